-- Note that the answer is about to change something outside the room. KEYS: 1 run ; ARGV: token, lease in ms
-- Returns 'LOST' or 'OK'.
-- include: _run.lua
if not holds(KEYS[1], ARGV[1]) then return 'LOST' end
renew(KEYS[1], ARGV[2])
redis.call('HSET', KEYS[1], 'acted', 1)
return 'OK'
