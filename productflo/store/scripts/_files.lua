-- Included where a room gives files back; needs `files`. `list` is a message's, with spaces between.
-- The last one is deleted, not counted down: a store that is full refuses HINCRBY, and must be able to forget.
local function give_back(list)
  for file in string.gmatch(list, '%S+') do
    if tonumber(redis.call('HGET', files, file) or '0') > 1 then
      redis.call('HINCRBY', files, file, -1)
    else
      redis.call('HDEL', files, file)
    end
  end
end
