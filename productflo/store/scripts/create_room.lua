-- Make a room unless it exists; the same call sent twice finds its own. KEYS: 1 meta, 2 members, 3 assistants, then the run of each assistant
-- ARGV: call (unique), kind, creator, team, product, number of assistants, per assistant: id, member record; then members: id, record
-- Returns 1 if the room is new, 0 if it was there.
-- include: _server.lua
-- include: _position.lua
if redis.call('HSETNX', KEYS[1], 'kind', ARGV[2]) == 0 then
  return redis.call('HGET', KEYS[1], 'call') == ARGV[1] and 1 or 0
end
redis.call('HSET', KEYS[1], 'call', ARGV[1], 'creator', ARGV[3], 'team', ARGV[4], 'product', ARGV[5],
  'created_at', string.format('%.0f', now_ms()))
position(KEYS[1])
local assistants = tonumber(ARGV[6])
local at = 7
for i = 1, assistants do
  redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
  redis.call('HSET', KEYS[3], ARGV[at], 'mentions')
  redis.call('HSET', KEYS[3 + i], 'cursor', 0)
  at = at + 2
end
for i = at, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1
