-- Say how many slots of an assistant a worker uses, and how many it wishes to hold until its lease ends. KEYS: 1 slots
-- ARGV: worker, slots in use, slots wished for, slots of all workers together, lease in ms
-- Returns how many it holds: never fewer than are in use, for what goes on is counted whatever the limit has become.
-- include: _ended.lua
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local others = 0
local fields = redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do
  local held, till = fields[at + 1]:match('(%d+) (%d+)')
  if fields[at] ~= ARGV[1] then
    if tonumber(till) > now and not ended(fields[at], ARGV[1]) then
      others = others + held
    else
      redis.call('HDEL', KEYS[1], fields[at]) -- Of a worker that died, or has not been heard of for a lease.
    end
  end
end
local holds = math.max(tonumber(ARGV[2]), math.min(tonumber(ARGV[3]), ARGV[4] - others))
if holds > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %.0f', holds, now + ARGV[5]))
  redis.call('PEXPIRE', KEYS[1], 3600000) -- Longer than any lease.
else
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return holds
