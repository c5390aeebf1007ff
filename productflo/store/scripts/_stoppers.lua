-- Included where an answer is stopped or asked for anew; needs `meta`.
-- Any member may, or where the room says so who asked, its creator and operators. `rank` is 'operator' for those.
local function may_stop(by, rank, asker)
  local room = redis.call('HMGET', meta, 'stoppers', 'creator')
  return room[1] ~= 'asker' or by == asker or by == room[2] or rank == 'operator'
end
