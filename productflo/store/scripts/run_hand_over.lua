-- Give the lease back with the work undone, for another worker to take up at once. KEYS: 1 run ; ARGV: token
-- Returns 'LOST' or 'OK'.
-- include: _run.lua
if not holds(KEYS[1], ARGV[1]) then return 'LOST' end
redis.call('HDEL', KEYS[1], 'token', 'until')
return 'OK'
