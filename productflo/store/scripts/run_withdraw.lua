-- Take a question back that waits, from all who have not dealt with it; an answer to it that was begun stops.
-- KEYS: 1 bus, 2 meta, then the run of each assistant of the room
-- ARGV: seq of the question, its sender, who asks, their rank, the event that tells the workers.
-- Returns for how many assistants it waited, or 'forbidden'. Said again it changes nothing.
local meta = KEYS[2]
-- include: _server.lua
-- include: _publish.lua
-- include: _stoppers.lua
-- include: _answer.lua
if not may_stop(ARGV[3], ARGV[4], ARGV[2]) then return 'forbidden' end
local seq, waited = tonumber(ARGV[1]), 0
for i = 3, #KEYS do
  local found = redis.call('HMGET', KEYS[i], 'cursor', 'questions', 'message_id')
  if found[3] and string.find(found[2] or '', ' ' .. ARGV[1] .. ' ', 1, true) then
    redis.call('HSETNX', KEYS[i], 'stop', ARGV[3])
    publish(KEYS[1], cjson.encode({'stop', found[3], ARGV[3]}))
    waited = waited + 1
  elseif found[1] and tonumber(found[1]) < seq then
    local withdrawn = list_of(KEYS[i], 'withdrawn')
    local known = false
    for _, one in ipairs(withdrawn) do known = known or one == seq end
    if not known then
      withdrawn[#withdrawn + 1] = seq
      keep_list(KEYS[i], 'withdrawn', withdrawn)
    end
    waited = waited + 1
  end
end
if waited > 0 then publish(KEYS[1], ARGV[5]) end
return waited
