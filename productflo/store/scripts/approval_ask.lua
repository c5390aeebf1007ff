-- Ask for an approval; forget those that ended long ago. KEYS: 1 approvals
-- ARGV: id, approval as JSON, seconds for the decision in ms, ms until the asking must be renewed, most open ones,
--   ms that an ended one is kept. Returns 'FULL', or {when it ends, ms since 1970}.
-- include: _approval.lua
local now, open = now_ms(), 0
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    local one = cjson.decode(all[i + 1])
    if now >= one.ends + ARGV[6] then
      redis.call('HDEL', KEYS[1], all[i])
    elseif not one.decision and not is_over(one, now) then
      open = open + 1
    end
  end
  if open >= tonumber(ARGV[5]) then return 'FULL' end
end
local approval = cjson.decode(ARGV[2])
approval.ends, approval.alive = now + ARGV[3], now + ARGV[4]
write(KEYS[1], ARGV[1], approval)
return {approval.ends}
