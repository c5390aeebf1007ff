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
  redis.call('HSET', reads, unpack(last_words))
  fresh, fresh_ids, fresh_records, fresh_authors = {}, {}, {}, {}
end

-- What came of the message id before, or nil. A message that was trimmed within its day is known by its digest.
local function said_before(message_id, digest, begin, by, said)
  if fresh[message_id] then note_chats() end
  local at = redis.call('ZSCORE', ids, message_id)
  if at then
    local entry = entry_at(at)
    if not entry or entry.d ~= digest then return {'conflict'} end
    return duplicate(at, entry.e, redis.call('HGET', messages, at), false)
  end
  local known = recall('m ' .. message_id)
  if not known then return nil end
  if known.digest ~= digest then return {'conflict'} end
  return duplicate(known.seq, begin .. by .. placed(iso(known.ms), digits(known.seq)), record_of(said), false)
end

-- Returns {'ok', seq} | what `duplicate` does | {'conflict'} | {'forbidden'} | {'lost'}.
-- 'conflict' under a lease tells that somebody else took the message id: what another worker wrote under it
-- is 'lost'.
local function chat(sender, message_id, digest, begin, by, text, rest, mentions, ...)
  if token == '' and not is_member(sender) then return {'forbidden'} end
  local own_files = table.concat({...}, ' ')
  local said = {edit = '', text = text, rest = rest, more = mentions, reactions = '', files = own_files}
  local result = said_before(message_id, digest, begin, by, said)
  local lost = token ~= '' and redis.call('HGET', run, 'token') ~= token
  if lost and not (result and result[1] == 'duplicate') then return {'lost'} end
  if result then return result end
  if not is_member(sender) then return {'forbidden'} end
  local at = write(begin, by, '', said, digest, unpack(token ~= '' and {'a', '1'} or {}))
  for _, file in ipairs({...}) do redis.call('HINCRBY', files, file, 1) end
  fresh[message_id] = true
  fresh_ids[#fresh_ids + 1], fresh_ids[#fresh_ids + 2] = at, message_id
  fresh_records[#fresh_records + 1], fresh_records[#fresh_records + 2] = at, record_of(said)
  fresh_authors[sender] = at
  return {'ok', seq}
end
