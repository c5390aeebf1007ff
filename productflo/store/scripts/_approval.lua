-- Included by the scripts of approvals in a room: the hash {room}:approvals, id -> JSON. An asking is a lease: `alive`
-- is renewed by the worker that waits, so that what nobody waits for any more can not be approved.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function find(approvals, id)
  local found = redis.call('HGET', approvals, id)
  return found and cjson.decode(found)
end

local function write(approvals, id, approval)
  redis.call('HSET', approvals, id, cjson.encode(approval))
end

local function is_over(approval, now)
  return now >= approval.ends or now >= approval.alive
end
