-- Take the lease of an assistant in a room, if nobody holds it. KEYS: 1 run, 2 assistants
-- ARGV: assistant, holder (unique to this call, so that the same call sent twice finds its own lease), lease in ms
-- Returns 'ABSENT' (the assistant is not in the room), the ms for which another may still hold it, or {token, cursor}.
-- A token is `<holder>:<fence>`, a holder `<worker>.<call>`.
-- include: _run.lua
-- include: _ended.lua
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 'ABSENT' end
local found = redis.call('HMGET', KEYS[1], 'token', 'until', 'cursor', 'question')
local token, ends, cursor, question = found[1], tonumber(found[2] or '0'), found[3], found[4]
if not cursor then return 'ABSENT' end
if not (token and string.sub(token, 1, #ARGV[2] + 1) == ARGV[2] .. ':') then
  local left = ends - now_ms()
  if token and left > 0 and not ended(token, ARGV[2]) then return left end
  token = ARGV[2] .. ':' .. redis.call('HINCRBY', KEYS[1], 'fence', 1)
  redis.call('HSET', KEYS[1], 'token', token)
end
renew(KEYS[1], ARGV[3])
-- Left by an assistant that was removed from the room in mid-answer, and is back.
if tonumber(question) and tonumber(question) <= tonumber(cursor) then forget_answer(KEYS[1]) end
return {token, tonumber(cursor)}
