-- End leases that have run out; a user who is gone is told, once.
-- ARGV: lease in ms, longest usual time between sweeps in ms, how long changes are kept in ms
-- Returns {leases left?, leases ended, held anew?}
-- include: _presence.lua
-- Where there are no leases nothing is written: a server that nobody uses lets the disk sleep.
if redis.call('EXISTS', KEYS[1]) == 0 then return {0, 0, 0} end
local function text(ms) return string.format('%.0f', ms) end
local now = now_ms()
local latest = now + ARGV[1]
local state = redis.call('HMGET', KEYS[5], 'at', 'hold')
local at, hold = tonumber(state[1] or '0'), tonumber(state[2] or '0')
-- If nobody swept for longer than usual, the store (or everybody) was paused, or its clock was put forward: leases
-- could not be renewed, so nothing is ended for one full lease.
local paused = now - at > tonumber(ARGV[2])
-- Nothing ends later than one lease from now: else the clock was put back, and the dead would stay until it is
-- there again.
if paused or hold > latest then redis.call('HSET', KEYS[5], 'hold', text(latest)) end
for _, lease in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. text(latest), '+inf', 'LIMIT', 0, 200)) do
  redis.call('ZADD', KEYS[1], text(latest), lease)
end
redis.call('HSET', KEYS[5], 'at', text(now))
if paused or now < math.min(hold, latest) then return {1, 0, paused and 1 or 0} end
local ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', text(now), 'LIMIT', 0, 200)
for _, lease in ipairs(ended) do
  redis.call('ZREM', KEYS[1], lease)
  local user = user_of(lease)
  if redis.call('HINCRBY', KEYS[2], user, -1) <= 0 then
    local said = redis.call('HGET', KEYS[3], user)
    redis.call('HDEL', KEYS[2], user)
    redis.call('HDEL', KEYS[3], user)
    -- Who said to be offline, everywhere, is not told to be gone: that would show that they had been here.
    if not (said and string.match(said, '^offline|%d+$')) then tell(user, 'offline', next_epoch()) end
  end
end
if #ended > 0 then redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', text(now - ARGV[3])) end
return {redis.call('EXISTS', KEYS[1]), #ended, 0}
