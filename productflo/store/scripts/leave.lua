-- End a membership; an assistant's place in the room, its lease and its answer under way with it.
-- KEYS: 1 members, 2 reads, 3 words, 4 assistants, 5 run
-- ARGV: user. Returns {was a member?, member count}.
local was = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1], ARGV[1] .. '|seen')
redis.call('HDEL', KEYS[3], ARGV[1])
if redis.call('HDEL', KEYS[4], ARGV[1]) == 1 then redis.call('DEL', KEYS[5]) end
return {was, redis.call('HLEN', KEYS[1])}
