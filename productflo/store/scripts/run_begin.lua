-- Begin the answer to a question, take up one that another worker left, or begin one's own anew. KEYS: 1 run
-- ARGV: token, lease in ms, name of the question, message id for a new answer, the seqs of its messages with a space
--       on either side of each, who asked, the answer that it is to take the place of or ''
-- Returns 'LOST' or {message id, run id, try, text so far, who asked to stop or '', 1 where it has acted}.
-- The run id names the try, because clients and stops must tell one from the next.
-- include: _run.lua
if not holds(KEYS[1], ARGV[1]) then return 'LOST' end
renew(KEYS[1], ARGV[2])
local found = redis.call('HMGET', KEYS[1], 'question', 'message_id', 'tries', 'text', 'stop', 'begun', 'acted')
local message_id, try, text, stop, acted = ARGV[4], 1, '', '', 0
if found[1] == ARGV[3] then
  message_id, try, text, stop = found[2], tonumber(found[3]), found[4] or '', found[5] or ''
  acted = tonumber(found[7] or '0')
  -- The same call sent twice is one try.
  if found[6] ~= ARGV[1] then try = try + 1 end
else
  forget_answer(KEYS[1])
end
local run_id = message_id .. '.' .. try
redis.call('HSET', KEYS[1], 'question', ARGV[3], 'questions', ARGV[5], 'asker', ARGV[6], 'message_id', message_id,
  'run_id', run_id, 'tries', try, 'index', -1, 'begun', ARGV[1])
if ARGV[7] ~= '' then redis.call('HSET', KEYS[1], 'regenerates', ARGV[7]) end
if is_again(ARGV[3]) then
  local wish = list_of(KEYS[1], 'again')[1]
  if wish and wish.stop then
    stop = wish.stop
    redis.call('HSETNX', KEYS[1], 'stop', stop)
  end
end
return {message_id, run_id, try, text, stop, acted}
