-- Included by append.lua: what is done to a message, once for each operation of a sender.
local function about(message_seq)
  return string.format(',"message_seq":%.0f', message_seq)
end

-- What an edit gives beyond the text, from a time on.
local function edited(mentions, time)
  return mentions .. ',"edited_at":"' .. time .. '"'
end

-- What came of the operation before, or nil. `text` and `mentions` are an edit's.
local function done_before(operation, digest, begin, by, text, mentions)
  local known = recall('', {operation})[operation]
  if not known then return nil end
  if known.digest ~= digest then return {'conflict'} end
  if known.seq == 0 then return {'unchanged', known.message_seq} end
  local entry = entry_at(known.seq)
  if entry then
    return duplicate(known.seq, entry.e, entry.m and redis.call('HGET', messages, entry.m), entry.m)
  end
  local time = iso(known.ms)
  local e = string.format('%s%s,"accepted_at":"%s","seq":%.0f%s', begin, by, time, known.seq, about(known.message_seq))
  local said = text and {edit = '', text = text, rest = '', more = edited(mentions, time), reactions = '', files = ''}
  return duplicate(known.seq, e, said and record_of(said), text)
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
-- Returns its seq | what `duplicate` does | {'unchanged', seq of the message} | {'conflict'} | {'forbidden'} |
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
  remember({operation, string.format('%.0f:%.0f:%s:', result and 0 or seq, now, at) .. digest})
  return result or seq
end

local function edit(sender, operation, digest, message_id, begin, by, text, mentions)
  return revise(sender, operation, digest, message_id, begin, by, function(at, entry, parts)
    if author(entry) ~= sender then return {'not_yours'} end
    local more = edited(mentions, accepted_at)
    parts.edit = write(begin, by, about(at), text, '', more, '', 'm', at)
    parts.text, parts.more = text, more
  end, text, mentions)
end
