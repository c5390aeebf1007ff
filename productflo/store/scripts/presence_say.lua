-- A user's own word for everywhere. KEYS: 1 counts, 2 words, 3 bus ; ARGV: user, word
-- A new epoch ends the words said in single rooms. One who is not there has no word: nothing would ever end it.
-- include: _publish.lua
if tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0') < 1 then return false end
local time = redis.call('TIME')
local epoch = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2] .. '|' .. epoch)
publish(KEYS[3], ARGV[1] .. ' ' .. ARGV[2] .. '|' .. epoch)
return epoch
