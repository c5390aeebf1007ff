-- Put what was used in place of a reservation. KEYS: 1 budget
-- ARGV: reservation, tokens, cost
-- Returns 1, or 0 where there is no such reservation: it was settled before, and counts once.
-- include: _spent.lua
of_today(KEYS[1])
if redis.call('HDEL', KEYS[1], 'r:' .. ARGV[1]) == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'tokens', ARGV[2])
redis.call('HINCRBY', KEYS[1], 'cost', ARGV[3])
return 1
