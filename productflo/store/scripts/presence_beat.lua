-- Renew leases of connections. KEYS: 1 leases, 2 counts, 3 words, 4 bus, 5 sweep
-- ARGV: lease in ms, then `user|connection` ... ; publishes each user who was not there before, once.
-- include: _publish.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- A shard without leases is not swept: the time between sweeps begins with its first one.
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HSET', KEYS[5], 'at', string.format('%.0f', now)) end
for i = 2, #ARGV do
  local new = redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i])
  if new == 1 then
    local user = string.match(ARGV[i], '^([^|]+)')
    if redis.call('HINCRBY', KEYS[2], user, 1) == 1 then
      local word = string.format('online|%.0f', now)
      redis.call('HSET', KEYS[3], user, word)
      publish(KEYS[4], user .. ' ' .. word)
    end
  end
end
return 0
