-- The only writer of a room's log: allowed? seen? next seq, XADD, indexes, PUBLISH; for a batch of events.
-- KEYS: 1 log, 2 meta, 3 ids, 4 members, 5 files, 6 assistants, 7 bus, 8 reads, 9 messages, 10 deleted,
--       11 feedback, 12 seen, 13 seen before; then the assistant's run (under a lease), else the runs that a
--       deletion may have to stop
-- ARGV: limits (events, ms, bytes; 0: none), lease token and new cursor ('' and '' where unguarded), 'hold' where
--       replicas must confirm before anybody is told, then for each event its kind, the number of its arguments,
--       and the arguments of the function of that kind
-- Returns {results, assistants, told}: a result an event, as those functions tell; assistants as HGETALL; under
--       'hold' what the caller is to publish: the events, or where they were written before, only where they are.
-- Called again with the same arguments (redis-py sends again after a time-out) it answers 'duplicate'.
local log, meta, ids, members, files, bus = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[7]
local reads, messages, deleted, feedback = KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local seen, seen_before, run, runs = KEYS[12], KEYS[13], KEYS[14], {unpack(KEYS, 14)}
local keep_events, keep_ms, keep_bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local token, cursor, hold = ARGV[4], ARGV[5], ARGV[6] == 'hold'
-- include: _server.lua
-- include: _position.lua
-- include: _iso.lua
-- include: _publish.lua
local generation, seq, _, bytes = position(meta)
local first_seq, now = seq + 1, now_ms()
local accepted_ms, accepted_at = string.format('%.0f', now), iso(now)
local published = {string.format('["log",%.0f,"%s",%.0f]', first_seq, generation, now)}
-- include: _message.lua
-- include: _seen.lua
-- include: _write.lua
-- include: _chat.lua

-- What few calls have a use for is made only there: a function costs a call some 0.2 us to make.
local function deeds()
-- include: _files.lua
-- include: _revise.lua
-- include: _delete.lua
-- include: _react.lua
  return {edit = edit, delete = delete, reaction = react}
end

local function move_cursor_of_run()
-- include: _answer.lua
  move_cursor(run, cursor)
end

local function trim_log(most)
-- include: _files.lua
-- include: _trim.lua
  trim(bytes, now, most)
end

local results, at, others = {}, 7, nil
while at <= #ARGV do
  local kind, last = ARGV[at], at + 1 + tonumber(ARGV[at + 1])
  if kind == 'chat' then
    results[#results + 1] = chat(unpack(ARGV, at + 2, last))
  else
    others = others or deeds()
    note_chats()
    results[#results + 1] = others[kind](unpack(ARGV, at + 2, last))
  end
  at = last + 1
end
note_chats()
if #published > 1 then
  redis.call('HSET', meta, 'seq', digits(seq), 'bytes', digits(bytes))
  if token ~= '' then move_cursor_of_run() end
  -- A log that never had more events than it keeps has none to lose, but by age or size.
  if keep_ms > 0 or keep_bytes > 0 or (keep_events > 0 and seq > keep_events) then trim_log(2 * #published + 14) end
end
local told = table.concat(published, '\n')
if not hold then
  if #published > 1 then publish(bus, told) end
  return {results, redis.call('HGETALL', KEYS[6])}
end
-- WAIT waits for what its own connection wrote: a call that is repeated on another one must write, too.
if #published == 1 then redis.call('HSET', meta, 'seq', seq) end
return {results, redis.call('HGETALL', KEYS[6]), told}
