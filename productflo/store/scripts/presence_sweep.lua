-- End leases that have run out; publishes each user who is gone, once. KEYS: 1 leases, 2 counts, 3 words, 4 bus, 5 sweep
-- ARGV: lease in ms, longest usual time between sweeps in ms
-- If nobody swept for longer than usual, the store (or everybody) was paused: leases could not be renewed,
-- so nothing is ended for one full lease.
-- Where there are no leases nothing is written: a server that nobody uses lets the disk sleep.
-- include: _publish.lua
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local state = redis.call('HMGET', KEYS[5], 'at', 'hold')
local hold = tonumber(state[2] or '0')
if now - tonumber(state[1] or '0') > tonumber(ARGV[2]) then
  hold = now + ARGV[1]
  redis.call('HSET', KEYS[5], 'hold', string.format('%.0f', hold))
end
redis.call('HSET', KEYS[5], 'at', string.format('%.0f', now))
if now < hold then return 0 end
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 200)
for _, lease in ipairs(ended) do
  redis.call('ZREM', KEYS[1], lease)
  local user = string.match(lease, '^([^|]+)')
  if redis.call('HINCRBY', KEYS[2], user, -1) <= 0 then
    redis.call('HDEL', KEYS[2], user)
    redis.call('HDEL', KEYS[3], user)
    publish(KEYS[4], string.format('%s offline|%.0f', user, now))
  end
end
return #ended
