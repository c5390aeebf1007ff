-- End a membership; an assistant's place in the room, its lease and its answer under way with it. Tell the room.
-- KEYS: 1 members, 2 reads, 3 words, 4 assistants, 5 run, 6 meta, 7 bus
-- ARGV: user, and the envelope that tells it, encoded up to the member count. Returns {was a member?, member count}.
-- `leaves` counts the memberships that ended here: a subscription that began before such an end is ended by it,
-- one that began afterwards is not, in whatever order processes hear of the two.
-- include: _server.lua
-- include: _publish.lua
local was = redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1], ARGV[1] .. '|seen')
redis.call('HDEL', KEYS[3], ARGV[1])
if redis.call('HDEL', KEYS[4], ARGV[1]) == 1 then redis.call('DEL', KEYS[5]) end
local count = redis.call('HLEN', KEYS[1])
if was == 1 then
  local leaves = redis.call('HINCRBY', KEYS[6], 'leaves', 1)
  local head = cjson.encode({'removed', ARGV[1], leaves, count})
  publish(KEYS[7], head .. '\n' .. ARGV[2] .. count .. '}}')
end
return {was, count}
