-- Where a room stands. KEYS: 1 meta, 2 log, 3 members ; ARGV: the newest event that the caller has seen: generation, seq
-- Returns {generation, seq, predecessors, first retained seq or seq + 1, memberships that ended, member count},
-- or nil where there is no such room.
-- include: _server.lua
-- include: _position.lua
if redis.call('HEXISTS', KEYS[1], 'kind') == 0 then return false end
-- Less than what was seen in the same generation: the keys were put back under a running server, which its
-- run_id does not tell. What comes now must not pass for what was lost.
local known = redis.call('HMGET', KEYS[1], 'generation', 'seq')
if known[1] == ARGV[1] and tonumber(known[2]) < tonumber(ARGV[2]) then redis.call('HDEL', KEYS[1], 'run_id') end
local generation, seq, predecessors = position(KEYS[1])
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
local first = oldest and tonumber(string.match(oldest[1], '^(%d+)')) or seq + 1
local leaves = tonumber(redis.call('HGET', KEYS[1], 'leaves') or '0')
return {generation, seq, predecessors, first, leaves, redis.call('HLEN', KEYS[3])}
