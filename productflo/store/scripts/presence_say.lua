-- A user's own word for everywhere. ARGV: user, word
-- Returns 'new', 'same', or nil for one who is not there: nothing would ever end their word.
-- A new epoch ends the words said in single rooms. A word that changes nothing, here or there, has none: so a
-- call that redis-py sends a second time is not told a second time.
-- include: _presence.lua
local said = redis.call('HGET', KEYS[3], ARGV[1])
if not said then return false end
local word, in_rooms = string.match(said, '^(%a+)|%d+(.*)$')
if word == ARGV[2] and in_rooms == '' then return 'same' end
local epoch = next_epoch()
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2] .. '|' .. epoch)
tell(ARGV[1], ARGV[2], epoch)
return 'new'
