-- The approvals that can still be given. KEYS: 1 approvals. Returns {id, approval as JSON, ...}.
-- include: _approval.lua
local now, open = now_ms(), {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local one = cjson.decode(all[i + 1])
  if not one.decision and not is_over(one, now) then
    open[#open + 1] = all[i]
    open[#open + 1] = all[i + 1]
  end
end
return open
