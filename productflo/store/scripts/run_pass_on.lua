-- Move the cursor over a question to which the assistant was silent, and have the next one asked that hears everything.
-- KEYS: 1 run, 2 assistants, 3 meta, then the run of each that may be next, in order
-- ARGV: token, message id of the answer that was not given, cursor, seqs of the question's messages (JSON), who was
--       silent (JSON), who asked, how much may wait to be asked again, then those that may be next
-- Returns 'LOST', who is asked next, or '' where nobody is: also where the answer was stopped meanwhile, or the same call
-- was sent before.
-- One script: a worker that dies before it has its assistant asked again, one that dies after it does not. The others'
-- cursors are past the question; its turn comes after what stands in the log by now, as that of an answer anew.
-- include: _run.lua
if not holds(KEYS[1], ARGV[1]) then return 'LOST' end
local found = redis.call('HMGET', KEYS[1], 'message_id', 'stop')
if found[1] ~= ARGV[2] then return '' end
move_cursor(KEYS[1], ARGV[3])
if found[2] then return '' end
local at = tonumber(redis.call('HGET', KEYS[3], 'seq') or '0')
for i = 4, #KEYS do
  local listener, again = ARGV[i + 4], list_of(KEYS[i], 'again')
  if redis.call('HGET', KEYS[2], listener) == 'all' and #again < tonumber(ARGV[7]) then
    again[#again + 1] = {seqs = cjson.decode(ARGV[4]), silent = cjson.decode(ARGV[5]), by = ARGV[6], at = at}
    keep_list(KEYS[i], 'again', again)
    return listener
  end
end
return ''
