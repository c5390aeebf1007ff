-- Take the wish for an answer anew back; where that answer was begun it stops. KEYS: 1 bus, 2 meta, 3 run
-- ARGV: the answer that was to be given anew, who asks, their rank, the event that tells the workers.
-- Returns 1, 0 where nobody waits for it, or 'forbidden'. Said again it changes nothing.
-- The wish is marked and not removed: the worker takes them in order, and may have read this one already.
local meta = KEYS[2]
-- include: _server.lua
-- include: _publish.lua
-- include: _stoppers.lua
-- include: _answer.lua
local again, waited = list_of(KEYS[3], 'again'), 0
for _, one in ipairs(again) do
  if one.answer == ARGV[1] then
    if not may_stop(ARGV[2], ARGV[3], one.by) then return 'forbidden' end
    one.stop = one.stop or ARGV[2]
    waited = 1
  end
end
if waited == 0 then return 0 end
keep_list(KEYS[3], 'again', again)
local found = redis.call('HMGET', KEYS[3], 'regenerates', 'message_id')
if found[1] == ARGV[1] and found[2] then
  redis.call('HSETNX', KEYS[3], 'stop', ARGV[2])
  publish(KEYS[1], cjson.encode({'stop', found[2], ARGV[2]}))
end
publish(KEYS[1], ARGV[4])
return 1
