-- The only writer of a room's log: allowed? seen? next seq, XADD, indexes, PUBLISH; for a batch of events.
-- KEYS: 1 log, 2 meta, 3 ids, 4 members, 5 files, 6 assistants, 7 bus, 8 reads, 9 messages, 10 deleted,
--       11 feedback, 12 seen, 13 seen before; then the assistant's run (under a lease), else the runs that a
--       deletion may have to stop
-- ARGV: limits (events, ms, bytes; 0: none), lease token and new cursor ('' and '' where unguarded), 'hold' where
--       replicas must confirm before anybody is told, then ten for each event: its kind, and the arguments of the
--       function of that kind, with '' for what it does not take
-- Returns one list, for each table in an answer costs as much as a look into an index: a result an event, as those
--   functions tell; then the assistants as HGETALL; under 'hold' at last what the caller is to publish: the events,
--   or where they were written before, only where they are.
-- Called again with the same arguments (redis-py sends again after a time-out) it answers 'duplicate'.
-- Most calls bring one to eight new messages. What only others need is made where they need it: to make a function
-- costs a call some 0.2 us, and 0.1 us more for each local that it uses.
local log, meta, ids, members, messages = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[9]
local seen, seen_before, run = KEYS[12], KEYS[13], KEYS[14]
local token, hold = ARGV[4], ARGV[6] == 'hold'
local format, given = string.format, ARGV
local FIRST, EACH = 7, 10
-- include: _server.lua
-- include: _position.lua
-- include: _iso.lua
local generation, seq, _, bytes = position(meta)
local first_seq, now = seq + 1, now_ms()
local accepted_at = iso(now)
local published = {''}
-- include: _write.lua
-- include: _known.lua
-- include: _chat.lua

local results, deeds = {}, nil
for at = FIRST, #given, EACH do
  local kind = given[at]
  if kind == 'chat' then
    results[#results + 1] = chat(unpack(given, at + 1, at + EACH - 1))
  else
    if not deeds then
      local files, bus, deleted, feedback, runs = KEYS[5], KEYS[7], KEYS[10], KEYS[11], {unpack(KEYS, 14)}
-- include: _publish.lua
-- include: _message.lua
-- include: _duplicate.lua
-- include: _seen.lua
-- include: _files.lua
-- include: _revise.lua
-- include: _delete.lua
-- include: _react.lua
      deeds = {edit = edit, delete = delete, reaction = react}
    end
    note_chats()
    results[#results + 1] = deeds[kind](unpack(given, at + 1, at + EACH - 1))
  end
end
note_chats()

if #published > 1 then
  redis.call('HSET', meta, 'seq', seq, 'bytes', bytes)
  if token ~= '' then
-- include: _answer.lua
    move_cursor(run, ARGV[5])
  end
  local keep_events, keep_ms, keep_bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
  -- A log that never had more events than it keeps has none to lose, but by age or size. One that keeps many loses a
  -- thousandth of them at a time: to begin with it costs more than most messages.
  local step = math.max(1, math.floor(keep_events / 1000))
  local too_many = keep_events > 0 and seq > keep_events and seq % step < #published - 1
  if keep_ms > 0 or keep_bytes > 0 or too_many then
    local files, deleted, feedback = KEYS[5], KEYS[10], KEYS[11]
-- include: _message.lua
-- include: _seen.lua
-- include: _files.lua
-- include: _trim.lua
    trim(bytes, now, 2 * math.max(#published, step) + 14)
  end
elseif hold then
  redis.call('HSET', meta, 'seq', seq) -- WAIT waits for what its own connection wrote, which may be another one now.
end

for _, word in ipairs(redis.call('HGETALL', KEYS[6])) do results[#results + 1] = word end
if hold or #published > 1 then
  published[1] = format('["log",%d,"%s",%d]', first_seq, generation, now)
  local told = table.concat(published, '\n')
  if hold then
    results[#results + 1] = told
  else
-- include: _publish.lua
    publish(KEYS[7], told)
  end
end
return results
