-- Included by append.lua: a message.
-- What came of the message id before, or nil. A message that was trimmed within its day is known by its digest.
local function said_before(message_id, digest, begin, by, said)
  local at = redis.call('ZSCORE', ids, message_id)
  if at then
    local entry = entry_at(at)
    if not entry or entry.d ~= digest then return {'conflict'} end
    return duplicate(at, entry.e, redis.call('HGET', messages, at), false)
  end
  local known = recall('m ' .. message_id)
  if not known then return nil end
  if known.digest ~= digest then return {'conflict'} end
  return duplicate(known.seq, begin .. by .. placed(iso(known.ms), known.seq), record_of(said), false)
end

-- Returns {'ok', seq} | what `duplicate` does | {'conflict'} | {'forbidden'} | {'lost'}.
-- 'conflict' under a lease tells that somebody else took the message id: what another worker wrote under it
-- is 'lost'.
local function chat(sender, message_id, digest, begin, by, text, rest, mentions, ...)
  local is_member = redis.call('HEXISTS', members, sender) == 1
  if token == '' and not is_member then return {'forbidden'} end
  local own_files = table.concat({...}, ' ')
  local said = {edit = '', text = text, rest = rest, more = mentions, reactions = '', files = own_files}
  local result = said_before(message_id, digest, begin, by, said)
  local lost = token ~= '' and redis.call('HGET', run, 'token') ~= token
  if lost and not (result and result[1] == 'duplicate') then return {'lost'} end
  if result then return result end
  if not is_member then return {'forbidden'} end
  write(begin, by, '', said, digest, unpack(token ~= '' and {'a', '1'} or {}))
  redis.call('HSET', messages, seq, record_of(said))
  for _, file in ipairs({...}) do redis.call('HINCRBY', files, file, 1) end
  redis.call('ZADD', ids, seq, message_id)
  redis.call('HSET', reads, sender .. '|seen', seq)
  return {'ok', seq}
end
