-- Delete a wake-up that was dealt with, if it is still this worker's. KEYS: 1 stream of wake-ups
-- ARGV: group, worker, entry
-- Returns 1, or 0 where another worker has taken it (or the store was wiped): what that one makes of it is its own.
-- A worker that stood still can read what was handed to it after another one has taken it, and holds the lease.
local mine = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1, ARGV[2])
if mine.err or #mine == 0 then return 0 end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
return redis.call('XDEL', KEYS[1], ARGV[3])
