-- Included by append.lua: messages. Those that follow each other go to the room's indexes together.
local fresh, fresh_ids, fresh_records, fresh_authors = {}, {}, {}, {}

-- Put the messages that were just written into the indexes.
local function note_chats()
  if #fresh_ids == 0 then return end
  redis.call('HSET', messages, unpack(fresh_records))
  redis.call('ZADD', ids, unpack(fresh_ids))
  local last_words = {}
  for sender, at in pairs(fresh_authors) do
    last_words[#last_words + 1] = sender .. '|seen'
    last_words[#last_words + 1] = at
  end
  redis.call('HSET', KEYS[8], unpack(last_words))
  fresh_ids, fresh_records, fresh_authors = {}, {}, {}
end

-- What came of the message id before, or nil. A message that was trimmed within its day is known by its digest.
local function said_before(message_id, digest, begin, by, record)
  local at, earlier = known[message_id], remembered[message_id]
  if fresh[message_id] then
    note_chats()
    at = redis.call('ZSCORE', ids, message_id)
  end
  if not at and not earlier then return nil end
-- include: _message.lua
-- include: _duplicate.lua
  if at then
    local entry = entry_at(at)
    if not entry or entry.d ~= digest then return {'conflict'} end
    return duplicate(at, entry.e, redis.call('HGET', messages, at), false)
  end
  if earlier.digest ~= digest then return {'conflict'} end
  local e = string.format('%s%s,"accepted_at":"%s","seq":%.0f', begin, by, iso(earlier.ms), earlier.seq)
  return duplicate(earlier.seq, e, record, false)
end

-- Returns its seq | what `duplicate` does | {'conflict'} | {'forbidden'} | {'lost'}. `own_files` are ids with spaces
-- between.
-- 'conflict' under a lease tells that somebody else took the message id: what another worker wrote under it
-- is 'lost'.
local function chat(sender, message_id, digest, begin, by, text, rest, mentions, own_files)
  local guarded = token ~= ''
  if not guarded and not is_member(sender) then return {'forbidden'} end
  local record = '\n' .. text .. '\n' .. rest .. '\n' .. mentions .. '\n\n' .. own_files
  local result = said_before(message_id, digest, begin, by, record)
  local lost = guarded and redis.call('HGET', run, 'token') ~= token
  if lost and not (result and result[1] == 'duplicate') then return {'lost'} end
  if result then return result end
  if guarded and not is_member(sender) then return {'forbidden'} end
  local at = write(begin, by, '', text, rest, mentions, digest, guarded and 'a', '1')
  if own_files ~= '' then
    for file in string.gmatch(own_files, '%S+') do redis.call('HINCRBY', KEYS[5], file, 1) end
  end
  fresh[message_id] = true
  local last = #fresh_ids
  fresh_ids[last + 1], fresh_ids[last + 2] = at, message_id
  fresh_records[last + 1], fresh_records[last + 2] = at, record
  fresh_authors[sender] = at
  return seq
end
