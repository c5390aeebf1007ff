-- Let something through, if it is not too soon: GCRA, as productflo/domain/rates.py. KEYS: 1 admitted
-- ARGV: us that one is worth, burst, what wants through
-- Returns 0, or the ms to wait. What was let through is let through again, and costs nothing, as long as it weighs on
-- the rate and a minute more: it may be asked again after its worker died, with others let through since.
local full_at = tonumber(redis.call('ZSCORE', KEYS[1], 'full_at') or '0')
if redis.call('ZSCORE', KEYS[1], 'q ' .. ARGV[3]) then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = ARGV[1] * ARGV[2]
local after = math.max(full_at, now) + ARGV[1]
local wait = after - now - window
if wait > 0 then return math.ceil(wait / 1000) end
local kept = window + 60000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - kept))
redis.call('ZADD', KEYS[1], string.format('%.0f', after), 'full_at', string.format('%.0f', now), 'q ' .. ARGV[3])
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(kept / 1000)))
return 0
