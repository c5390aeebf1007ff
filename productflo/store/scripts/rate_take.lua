-- Let something through, if it is not too soon: GCRA, as productflo/domain/rates.py. KEYS: 1 bucket
-- ARGV: us that one is worth, burst, what wants through
-- Returns 0, or the ms to wait. The same that was let through last is let through again, and costs nothing.
local found = redis.call('HMGET', KEYS[1], 'full_at', 'last')
if found[2] == ARGV[3] then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local after = math.max(tonumber(found[1] or 0), now) + ARGV[1]
local wait = after - now - ARGV[1] * ARGV[2]
if wait > 0 then return math.ceil(wait / 1000) end
redis.call('HSET', KEYS[1], 'full_at', string.format('%.0f', after), 'last', ARGV[3])
-- A full bucket need not be kept; a minute more, for what is asked again after its worker died.
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil((after - now) / 1000) + 60000))
return 0
