-- Give the lease back, unless the room has something new: then it is kept, and the caller goes on. KEYS: 1 run, 2 meta
-- ARGV: token. Returns 'LOST', 'MORE' or 'OK'.
-- One script, so that no message and no request can fall between the look and the release.
-- include: _run.lua
if not holds(KEYS[1], ARGV[1]) then return 'LOST' end
local cursor = tonumber(redis.call('HGET', KEYS[1], 'cursor'))
if tonumber(redis.call('HGET', KEYS[2], 'seq') or '0') > cursor then return 'MORE' end
if redis.call('HEXISTS', KEYS[1], 'again') == 1 then return 'MORE' end
redis.call('HDEL', KEYS[1], 'token', 'until')
return 'OK'
