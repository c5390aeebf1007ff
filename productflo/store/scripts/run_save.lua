-- Renew the lease, save the text so far where there is more of it, and look for a stop. KEYS: 1 run
-- ARGV: token, lease in ms, and where the text grew: text, index of its last piece
-- Returns 'LOST' or {who asked to stop or ''}.
-- include: _run.lua
if not holds(KEYS[1], ARGV[1]) then return 'LOST' end
renew(KEYS[1], ARGV[2])
if ARGV[3] and redis.call('HEXISTS', KEYS[1], 'message_id') == 1 then
  redis.call('HSET', KEYS[1], 'text', ARGV[3], 'index', ARGV[4])
end
return {redis.call('HGET', KEYS[1], 'stop') or ''}
