-- A user says a word for one room, which the caller writes there with the epoch that this returns.
-- ARGV: user ; returns nil for one who is not there. The mark keeps in mind that some room shows them otherwise.
-- KEYS: as the others'
local said = redis.call('HGET', KEYS[3], ARGV[1])
if not said then return false end
local word = string.match(said, '^%a+|%d+')
redis.call('HSET', KEYS[3], ARGV[1], word .. '|rooms')
return string.match(word, '%d+$')
