-- Where a room stands. KEYS: 1 meta, 2 log
-- Returns {generation, seq, predecessors, first retained seq or seq + 1}, or nil where there is no such room.
-- include: _position.lua
if redis.call('HEXISTS', KEYS[1], 'kind') == 0 then return false end
local generation, seq, predecessors = position(KEYS[1])
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 1)[1]
local first = oldest and tonumber(string.match(oldest[1], '^(%d+)')) or seq + 1
return {generation, seq, predecessors, first}
