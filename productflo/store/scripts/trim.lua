-- Forget what a room keeps no longer, though nobody writes to it. KEYS: 1 log, 2 meta, 3 ids, 4 messages,
-- 5 deleted, 6 feedback, 7 files, 8 seen, 9 seen before
-- ARGV: limits (events, ms, bytes; 0: none), events of this call at most. Returns how many it forgot.
local log, meta, ids, messages, deleted, feedback = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local files, seen, seen_before = KEYS[7], KEYS[8], KEYS[9]
local keep_events, keep_ms, keep_bytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
-- include: _server.lua
-- include: _position.lua
-- include: _message.lua
-- include: _seen.lua
-- include: _files.lua
-- include: _trim.lua
return trim(tonumber(redis.call('HGET', meta, 'bytes') or '0'), now_ms(), tonumber(ARGV[4]))
