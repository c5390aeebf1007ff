-- Put an assistant into a room; it deals with what is said from now on. KEYS: 1 meta, 2 members, 3 assistants, 4 run
-- ARGV: assistant, member record, listens. Returns nil (no such room) or {new?, member count}.
-- include: _server.lua
-- include: _position.lua
if redis.call('HEXISTS', KEYS[1], 'kind') == 0 then return false end
local generation, seq = position(KEYS[1])
local new = redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[2])
if redis.call('HSETNX', KEYS[3], ARGV[1], ARGV[3]) == 1 then
  redis.call('HSET', KEYS[4], 'cursor', seq)
else
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
end
return {new, redis.call('HLEN', KEYS[2])}
