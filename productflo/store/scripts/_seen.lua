-- Included where repetitions are known again; needs `seen` and `seen_before`.
-- What was done is remembered for one to two days: two hashes, the older of which goes at once when the newer
-- has served a day. Both expire by themselves where nothing more happens.
local DAY = 86400000
local served, nothing_seen

local function remember(id, digest, seq, ms, message_seq)
  nothing_seen = false
  if not served then -- Looked at once a call.
    served = redis.call('PTTL', seen)
    if served >= 0 and served < DAY then redis.call('RENAME', seen, seen_before) end
  end
  redis.call('HSET', seen, id, string.format('%.0f:%.0f:%.0f:', seq, ms, message_seq) .. digest)
  if served < DAY then
    redis.call('PEXPIRE', seen, 2 * DAY)
    served = 2 * DAY
  end
end

-- {digest, seq, ms, message_seq} of what was done under an id, or nil.
local function recall(id)
  if nothing_seen == nil then nothing_seen = redis.call('EXISTS', seen, seen_before) == 0 end
  if nothing_seen then return nil end
  local found = redis.call('HGET', seen, id) or redis.call('HGET', seen_before, id)
  if not found then return nil end
  local seq, ms, message_seq, digest = string.match(found, '^(%d+):(%d+):(%d+):(.*)$')
  return {digest = digest, seq = tonumber(seq), ms = tonumber(ms), message_seq = tonumber(message_seq)}
end
