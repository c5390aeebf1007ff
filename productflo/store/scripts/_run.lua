-- Included by the scripts of an assistant's run in a room: the hash {room}:run:<assistant>.
-- include: _answer.lua
-- The lease is judged by the clock of the store alone; a worker's clock may stand still or be wrong.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The fence: whoever took the lease since then has another token, and what this caller found out is void.
local function holds(run, token)
  return redis.call('HGET', run, 'token') == token
end

local function renew(run, lease)
  redis.call('HSET', run, 'until', string.format('%.0f', now_ms() + lease))
end
