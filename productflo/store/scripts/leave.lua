-- End a membership, an assistant's place in the room with it. KEYS: 1 members, 2 reads, 3 words, 4 assistants
-- ARGV: user. Returns {was a member?, member count}.
local was = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1], ARGV[1] .. '|seen')
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
return {was, redis.call('HLEN', KEYS[1])}
