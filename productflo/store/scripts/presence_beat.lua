-- Renew leases of connections, or begin them; a user who was not there before is told, once.
-- ARGV: lease in ms, then `user|connection` ...
-- include: _presence.lua
local now = now_ms()
-- A shard without leases is not swept: the time between sweeps begins with its first one.
if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('HSET', KEYS[5], 'at', string.format('%.0f', now)) end
local lease_end = string.format('%.0f', now + ARGV[1])
local renewals = {}
for i = 2, #ARGV do
  renewals[#renewals + 1] = lease_end
  renewals[#renewals + 1] = ARGV[i]
end
local before = redis.call('ZMSCORE', KEYS[1], unpack(ARGV, 2))
redis.call('ZADD', KEYS[1], unpack(renewals))
for i, known in ipairs(before) do
  if not known then
    local user = user_of(ARGV[i + 1])
    if redis.call('HINCRBY', KEYS[2], user, 1) == 1 then
      local epoch = next_epoch()
      redis.call('HSET', KEYS[3], user, 'online|' .. epoch)
      tell(user, 'online', epoch)
    end
  end
end
return 0
