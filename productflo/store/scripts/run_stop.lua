-- Ask for an answer to be stopped. KEYS: 1 bus, 2 meta, then the run of each assistant of the room
-- ARGV: message id, who asks, their rank, the event that tells the worker at once.
-- Returns 1, 0 where nobody is writing it, or 'forbidden'.
-- The mark outlives the event: a worker that missed it, or takes the answer over, finds it with its next save.
local meta = KEYS[2]
-- include: _server.lua
-- include: _publish.lua
-- include: _stoppers.lua
for i = 3, #KEYS do
  local found = redis.call('HMGET', KEYS[i], 'message_id', 'asker')
  if found[1] == ARGV[1] then
    if not may_stop(ARGV[2], ARGV[3], found[2]) then return 'forbidden' end
    redis.call('HSETNX', KEYS[i], 'stop', ARGV[2])
    publish(KEYS[1], ARGV[4])
    return 1
  end
end
return 0
