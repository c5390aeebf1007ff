-- Included by the scripts of presence. Their KEYS: 1 leases, 2 counts, 3 words, 4 changes, 5 sweep, 6 bus
-- include: _server.lua
-- include: _publish.lua
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Users are told apart from what follows by characters that no id has.
local function user_of(lease) return string.match(lease, '^([^|]+)') end

-- The number of a change: the time in ms, or one more than the last where the clock stands still or went back
-- (a hybrid logical clock: Kulkarni et al., "Logical Physical Clocks", 2014). It only grows within a shard.
local function next_epoch()
  local last = redis.call('ZRANGE', KEYS[4], -1, -1, 'WITHSCORES')[2]
  return string.format('%.0f', math.max(now_ms(), tonumber(last or '0') + 1))
end

-- Tell a change, and note it for those who can not hear it now.
local function tell(user, presence, epoch)
  redis.call('ZADD', KEYS[4], epoch, user)
  publish(KEYS[6], user .. ' ' .. presence .. '|' .. epoch)
end
