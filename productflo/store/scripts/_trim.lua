-- Included where a room forgets; needs `log`, `messages`, `ids`, `deleted`, `feedback`, and
-- keep_events, keep_ms and keep_bytes (0: no such limit).
local function overdue(entry, left, bytes, now)
  return (keep_events > 0 and left > keep_events)
    or (keep_bytes > 0 and bytes - tonumber(entry.b or 0) > keep_bytes)
    or (keep_ms > 0 and now - tonumber(entry.t or 0) > keep_ms)
end

-- The oldest events that are beyond a limit, at most `most`: their fields and seqs. `bytes` is meta's.
local function oldest(bytes, now, most)
  local left, old = redis.call('XLEN', log), {}
  if keep_ms == 0 and keep_bytes == 0 then
    most = math.min(most, keep_events > 0 and left - keep_events or 0)
  else
    local first = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
    if not first or not overdue(fields_of(first), left, bytes, now) then return old end
  end
  if most <= 0 then return old end
  for _, found in ipairs(redis.call('XRANGE', log, '-', '+', 'COUNT', most)) do
    local entry = fields_of(found)
    if not overdue(entry, left, bytes, now) then break end
    left, entry.seq = left - 1, seq_of(found)
    old[#old + 1] = entry
  end
  return old
end

-- The message ids of all messages up to a seq, by seq.
local function ids_until(last)
  local found, message_ids = redis.call('ZRANGEBYSCORE', ids, '-inf', last, 'WITHSCORES'), {}
  for i = 1, #found, 2 do message_ids[found[i + 1]] = found[i] end
  return message_ids
end

-- What is to be remembered of messages younger than a day, as `remember` takes it.
local function notes_of(old, now)
  local message_ids, notes = ids_until(old[#old].seq), {}
  for _, entry in ipairs(old) do
    local message_id = message_ids[entry.seq]
    if entry.d ~= '' and message_id and now - tonumber(entry.t or 0) < DAY then
      notes[#notes + 1] = 'm ' .. message_id
      notes[#notes + 1] = entry.seq .. ':' .. entry.t .. ':' .. entry.seq .. ':' .. entry.d
    end
  end
  return notes
end

-- The first and the last part of what a message says. Most have neither, which two bytes tell sooner than a pattern.
local NEWLINE, NEITHER = 10, {edit = '', files = ''}

local function ends_of(record)
  local plain = string.byte(record) == NEWLINE and string.byte(record, -1) == NEWLINE
  return plain and NEITHER or parts_of(record)
end

-- What messages say. The text of an edited message goes with its latest edit, which still shows it.
local function forget_records(old)
  local places, gone = {}, {}
  for i, entry in ipairs(old) do places[i] = entry.m or entry.seq end
  for i, record in ipairs(redis.call('HMGET', messages, unpack(places))) do
    local parts = record and ends_of(record)
    if parts and not old[i].m then give_back(parts.files) end
    if parts and parts.edit == (old[i].m and old[i].seq or '') then gone[#gone + 1] = places[i] end
  end
  if #gone > 0 then redis.call('HDEL', messages, unpack(gone)) end
end

-- Forget the oldest events while they are beyond a limit, at most `most`; how many it were. `bytes` is meta's.
-- What is to be remembered comes last: a store that is full takes it only from a script that has given way before.
local function trim(bytes, now, most)
  local old = oldest(bytes, now, most)
  if #old == 0 then return 0 end
  local last, notes = old[#old].seq, notes_of(old, now)
  forget_records(old)
  redis.call('XTRIM', log, 'MINID', '=', string.format('%.0f', tonumber(last) + 1))
  for _, index in ipairs({ids, deleted, feedback}) do redis.call('ZREMRANGEBYSCORE', index, '-inf', last) end
  if #notes > 0 then remember(notes) end
  return #old
end
