-- Ask for an answer to be given anew. KEYS: 1 run, 2 meta
-- ARGV: the answer's message id, who asked the question, who asks now, their rank, requests that may wait
-- Returns 'OK' (also where it was asked for already), 'forbidden', 'absent' (no assistant of the room) or 'full'.
-- Its turn comes after the questions that stand in the log by now. One that was withdrawn and is asked for again keeps
-- its place, unless its answer was begun and is just being stopped.
local meta = KEYS[2]
-- include: _stoppers.lua
-- include: _answer.lua
if not may_stop(ARGV[3], ARGV[4], ARGV[2]) then return 'forbidden' end
if redis.call('HEXISTS', KEYS[1], 'cursor') == 0 then return 'absent' end
local again = list_of(KEYS[1], 'again')
local begun = redis.call('HGET', KEYS[1], 'regenerates')
for _, one in ipairs(again) do
  if one.answer == ARGV[1] and not (one.stop and begun == ARGV[1]) then
    if one.stop then
      one.stop, one.by = nil, ARGV[3]
      keep_list(KEYS[1], 'again', again)
    end
    return 'OK'
  end
end
if #again >= tonumber(ARGV[5]) then return 'full' end
local seq = tonumber(redis.call('HGET', meta, 'seq') or '0')
again[#again + 1] = {answer = ARGV[1], by = ARGV[3], at = seq}
keep_list(KEYS[1], 'again', again)
return 'OK'
