-- Events of a log as they are now. KEYS: 1 log, 2 messages
-- ARGV: 'XRANGE' or 'XREVRANGE', its two ends, at most how many. Returns {seq, envelope, seq, envelope, ...}.
local log, messages = KEYS[1], KEYS[2]
-- include: _message.lua
local seqs, entries, places = {}, {}, {}
for i, found in ipairs(redis.call(ARGV[1], log, ARGV[2], ARGV[3], 'COUNT', ARGV[4])) do
  seqs[i], entries[i] = seq_of(found), fields_of(found)
  places[i] = said_at(seqs[i], entries[i])
end
local records = #places > 0 and redis.call('HMGET', messages, unpack(places)) or {}
local events = {}
for i, entry in ipairs(entries) do
  events[2 * i - 1], events[2 * i] = tonumber(seqs[i]), envelope_of(entry, records[i])
end
return events
