-- Keep what a member thinks of an assistant's message, in place of what they thought before.
-- KEYS: 1 log, 2 ids, 3 deleted, 4 members, 5 feedback
-- ARGV: user, message id, rating and comment as JSON. Returns 'forbidden', 'not_found', 'no_answer', or
--   {1 where it is new, 0 where it was there}
local log, ids, deleted, members, feedback = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
-- include: _message.lua
if redis.call('HEXISTS', members, ARGV[1]) == 0 then return 'forbidden' end
local at = redis.call('ZSCORE', ids, ARGV[2])
if not at or redis.call('ZSCORE', deleted, ARGV[2]) then return 'not_found' end
if not entry_at(at).a then return 'no_answer' end
local whose = at .. ' ' .. ARGV[1] .. ' '
local given = whose .. ARGV[3]
for _, kept in ipairs(redis.call('ZRANGEBYSCORE', feedback, at, at)) do
  if kept == given then return {0} end
  if string.sub(kept, 1, #whose) == whose then redis.call('ZREM', feedback, kept) end
end
redis.call('ZADD', feedback, at, given)
return {1}
