-- A connection closed: its lease ends after the grace, in which a reload can come back unnoticed. KEYS: 1 leases
-- ARGV: grace in ms, then `user|connection` ...
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', now + ARGV[1], ARGV[i]) end
return 0
