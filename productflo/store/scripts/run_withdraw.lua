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

-- From those that have not come to it yet.
local function withdraw(run)
  local withdrawn = list_of(run, 'withdrawn')
  for _, one in ipairs(withdrawn) do
    if one == seq then return end
  end
  withdrawn[#withdrawn + 1] = seq
  keep_list(run, 'withdrawn', withdrawn)
end

-- From one to whom it was passed on, whole: it has been asked before. Returns whether it was.
local function take_back(run)
  local again, known = list_of(run, 'again'), false
  for _, one in ipairs(again) do
    for _, its in ipairs(one.seqs or {}) do
      if its == seq then one.stop, known = one.stop or ARGV[3], true end
    end
  end
  if known then keep_list(run, 'again', again) end
  return known
end

for i = 3, #KEYS do
  local found = redis.call('HMGET', KEYS[i], 'cursor', 'questions', 'message_id')
  if found[3] and string.find(found[2] or '', ' ' .. ARGV[1] .. ' ', 1, true) then
    redis.call('HSETNX', KEYS[i], 'stop', ARGV[3])
    publish(KEYS[1], cjson.encode({'stop', found[3], ARGV[3]}))
    waited = waited + 1
  else
    local to_come = found[1] and tonumber(found[1]) < seq
    if to_come then withdraw(KEYS[i]) end
    if take_back(KEYS[i]) or to_come then waited = waited + 1 end
  end
end
if waited > 0 then publish(KEYS[1], ARGV[5]) end
return waited
