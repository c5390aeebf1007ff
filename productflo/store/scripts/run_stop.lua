-- Ask for an answer to be stopped. KEYS: 1 bus, then the run of each assistant of the room
-- ARGV: message id, who asks, the event that tells the worker at once. Returns 1, or 0 where nobody is writing it.
-- The mark outlives the event: a worker that missed it, or takes the answer over, finds it with its next save.
-- include: _publish.lua
for i = 2, #KEYS do
  if redis.call('HGET', KEYS[i], 'message_id') == ARGV[1] then
    redis.call('HSETNX', KEYS[i], 'stop', ARGV[2])
    publish(KEYS[1], ARGV[3])
    return 1
  end
end
return 0
