-- Included by the scripts of a budget: a hash of `day` (since 1970, UTC), `tokens` and `cost` used in it, and
-- `r:<id>` -> 'tokens cost until' of each reservation. The clock is the store's: one day for all workers.
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)

local function number(value)
  return string.format('%.0f', value)
end

-- Begin a new day where one has come; forget everything two days after its last use.
local function of_today(key)
  local today = number(math.floor(now_ms / 86400000))
  if redis.call('HGET', key, 'day') ~= today then
    redis.call('HSET', key, 'day', today, 'tokens', 0, 'cost', 0)
  end
  redis.call('PEXPIRE', key, 172800000)
  local found = redis.call('HMGET', key, 'tokens', 'cost')
  return tonumber(found[1]), tonumber(found[2])
end
