-- Included where a room forgets; needs `log`, `messages`, `ids`, `deleted`, `feedback`, and
-- keep_events, keep_ms and keep_bytes (0: no such limit).
local function overdue(entry, left, bytes, now)
  return (keep_events > 0 and left > keep_events)
    or (keep_bytes > 0 and bytes - tonumber(entry.b or 0) > keep_bytes)
    or (keep_ms > 0 and now - tonumber(entry.t or 0) > keep_ms)
end

-- What belongs to one event. The text of an edited message goes with its latest edit, which still shows it.
local function forget(seq, entry, now)
  if entry.m then
    local record = redis.call('HGET', messages, entry.m)
    if record and parts_of(record).edit == seq then redis.call('HDEL', messages, entry.m) end
  elseif entry.d ~= '' then
    local message_id = redis.call('ZRANGEBYSCORE', ids, seq, seq)[1]
    local written = tonumber(entry.t or 0)
    if message_id and now - written < DAY then remember('m ' .. message_id, entry.d, seq, written, seq) end
    local record = redis.call('HGET', messages, seq)
    local parts = record and parts_of(record)
    if parts then give_back(parts.files) end
    if parts and parts.edit == '' then redis.call('HDEL', messages, seq) end
  end
end

-- Forget the oldest events while they are beyond a limit, at most `most`; how many it were. `bytes` is meta's.
local function trim(bytes, now, most)
  local left, last, gone = redis.call('XLEN', log), nil, 0
  if keep_ms == 0 and keep_bytes == 0 then most = math.min(most, keep_events > 0 and left - keep_events or 0) end
  local oldest = most > 0 and redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  if not oldest or not overdue(fields_of(oldest), left, bytes, now) then return 0 end
  for _, found in ipairs(redis.call('XRANGE', log, '-', '+', 'COUNT', most)) do
    local entry = fields_of(found)
    if not overdue(entry, left, bytes, now) then break end
    last, left, gone = seq_of(found), left - 1, gone + 1
    forget(last, entry, now)
  end
  redis.call('XTRIM', log, 'MINID', '=', string.format('%.0f', tonumber(last) + 1))
  for _, index in ipairs({ids, deleted, feedback}) do redis.call('ZREMRANGEBYSCORE', index, '-inf', last) end
  return gone
end
