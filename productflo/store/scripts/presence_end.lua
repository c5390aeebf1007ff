-- Connections closed: their leases end after the grace, in which a reload can come back unnoticed.
-- ARGV: grace in ms, then `user|connection` ... ; a second call with the same prolongs nothing.
-- include: _presence.lua
local lease_end = string.format('%.0f', now_ms() + ARGV[1])
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], 'XX', 'LT', lease_end, ARGV[i]) end
return 0
