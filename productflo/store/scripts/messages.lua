-- A page of messages as they are now, past any other events. KEYS: 1 log, 2 messages, 3 ids
-- ARGV: 'ZRANGEBYSCORE' or 'ZREVRANGEBYSCORE', its two ends, at most how many, and the bytes with which the page
-- ends though there are more. Returns {seq, envelope, seq, envelope, ...}.
local log, messages, ids = KEYS[1], KEYS[2], KEYS[3]
-- include: _message.lua
local found = redis.call(ARGV[1], ids, ARGV[2], ARGV[3], 'WITHSCORES', 'LIMIT', 0, ARGV[4])
local events, bytes = {}, 0
for i = 2, #found, 2 do
  local seq = found[i]
  local envelope = envelope_of(entry_at(seq), redis.call('HGET', messages, seq))
  events[i - 1], events[i] = tonumber(seq), envelope
  bytes = bytes + #envelope
  if bytes > tonumber(ARGV[5]) then break end
end
return events
