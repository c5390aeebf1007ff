-- Included by append.lua: what is done to a message, once for each operation of a sender.
local NOTHING = {edit = '', text = '', rest = '', more = '', reactions = '', files = ''}

local function about(message_seq)
  return string.format(',"message_seq":%.0f', message_seq)
end

-- What an edit says, from a time on.
local function edited(text, mentions, time)
  local more = mentions .. ',"edited_at":"' .. time .. '"'
  return {edit = '', text = text, rest = '', more = more, reactions = '', files = ''}
end

-- What came of the operation before, or nil. `text` and `mentions` are an edit's.
local function done_before(operation, digest, begin, by, text, mentions)
  local known = recall(operation)
  if not known then return nil end
  if known.digest ~= digest then return {'conflict'} end
  if known.seq == 0 then return {'unchanged', known.message_seq} end
  local entry = entry_at(known.seq)
  if entry then
    return duplicate(known.seq, entry.e, entry.m and redis.call('HGET', messages, entry.m), entry.m)
  end
  local time = iso(known.ms)
  local e = begin .. by .. placed(time, digits(known.seq)) .. about(known.message_seq)
  return duplicate(known.seq, e, text and record_of(edited(text, mentions, time)), text)
end

-- A message that is there: its seq, its entry and what it says now; or nil.
local function standing(message_id)
  local at = redis.call('ZSCORE', ids, message_id)
  if not at or redis.call('ZSCORE', deleted, message_id) then return nil end
  local record = redis.call('HGET', messages, at)
  if not record then return nil end
  return at, entry_at(at), parts_of(record)
end

local function author(entry)
  return string.match(entry.e, '"user_id":"([^"]+)"')
end

-- `act` gets the message, and returns nil where it wrote and changed it, else why not.
-- Returns {'ok', seq} | what `duplicate` does | {'unchanged', seq of the message} | {'conflict'} | {'forbidden'} |
-- {'not_found'} | what `act` returned.
local function revise(sender, operation, digest, message_id, begin, by, act, text, mentions)
  if not is_member(sender) then return {'forbidden'} end
  operation = 'o ' .. sender .. ' ' .. operation
  local result = done_before(operation, digest, begin, by, text, mentions)
  if result then return result end
  local at, entry, parts = standing(message_id)
  if not at then return {'not_found'} end
  result = act(at, entry, parts)
  if result and result[1] ~= 'unchanged' then return result end
  if not result then redis.call('HSET', messages, at, record_of(parts)) end
  remember(operation, digest, result and 0 or seq, now, at)
  return result or {'ok', seq}
end

local function edit(sender, operation, digest, message_id, begin, by, text, mentions)
  return revise(sender, operation, digest, message_id, begin, by, function(at, entry, parts)
    if author(entry) ~= sender then return {'not_yours'} end
    local said = edited(text, mentions, accepted_at)
    write(begin, by, about(at), said, '', 'm', at)
    parts.edit, parts.text, parts.more = string.format('%.0f', seq), text, said.more
  end, text, mentions)
end
