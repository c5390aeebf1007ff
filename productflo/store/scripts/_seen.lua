-- Included where repetitions are known again; needs `seen` and `seen_before`.
-- What was done is remembered for one to two days: two hashes, the older of which goes at once when the newer
-- has served a day. Both expire by themselves where nothing more happens.
local DAY = 86400000

-- `notes` are ids, each followed by 'seq:ms:message seq:digest'.
local function remember(notes)
  local served = redis.call('PTTL', seen)
  if served >= 0 and served < DAY then redis.call('RENAME', seen, seen_before) end
  redis.call('HSET', seen, unpack(notes))
  if served < DAY then redis.call('PEXPIRE', seen, 2 * DAY) end
end

-- What was done under ids, each with a prefix: {digest, seq, ms, message_seq} by id.
local function recall(prefix, ids_of)
  local names, known = {}, {}
  for i, id in ipairs(ids_of) do names[i] = prefix .. id end
  for _, hash in ipairs({seen_before, seen}) do
    for i, found in ipairs(redis.call('HMGET', hash, unpack(names))) do
      if found then
        local seq, ms, message_seq, digest = string.match(found, '^(%d+):(%d+):(%d+):(.*)$')
        known[ids_of[i]] =
          {digest = digest, seq = tonumber(seq), ms = tonumber(ms), message_seq = tonumber(message_seq)}
      end
    end
  end
  return known
end
