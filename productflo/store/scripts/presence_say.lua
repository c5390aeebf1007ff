-- A user's own word for everywhere. KEYS: 1 words, 2 bus ; ARGV: user, word
-- A new epoch ends the words said in single rooms. Returns the epoch.
local time = redis.call('TIME')
local epoch = string.format('%.0f', time[1] * 1000 + math.floor(time[2] / 1000))
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|' .. epoch)
redis.call('PUBLISH', KEYS[2], ARGV[1] .. ' ' .. ARGV[2] .. '|' .. epoch)
return epoch
