-- Included where a room gives files back; needs `files`. `list` is the field `f` of an entry.
local function give_back(list)
  for file in string.gmatch(list, '%S+') do
    if redis.call('HINCRBY', files, file, -1) <= 0 then redis.call('HDEL', files, file) end
  end
end
