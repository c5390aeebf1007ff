-- Make a user a member. KEYS: 1 meta, 2 members, 3 reads, 4 ids, 5 log, 6 deleted
-- ARGV: user, member record, '1' where the caller found a right beyond being a member already,
--       the seq to resume after or ''
-- Returns nil (no such room), 'forbidden', or
--   {new?, kind, member count, read seq, unread, memberships that ended, bytes of the events after that seq,
--    generation, seq, predecessors, first retained seq}
-- include: _server.lua
-- include: _position.lua
local kind = redis.call('HGET', KEYS[1], 'kind')
if not kind then return false end
local known = redis.call('HGET', KEYS[2], ARGV[1])
local member = known ~= false
if not member and ARGV[3] ~= '1' then return 'forbidden' end
-- A return writes nothing: no flush to the disk for each of a thousand.
if known ~= ARGV[2] then redis.call('HSET', KEYS[2], ARGV[1], ARGV[2]) end
local generation, seq, predecessors = position(KEYS[1])
-- What was said before somebody came is history to them, not unread.
local seen_field = ARGV[1] .. '|seen'
if not member then redis.call('HSET', KEYS[3], seen_field, seq) end
local marks = redis.call('HMGET', KEYS[3], ARGV[1], seen_field)
local read, seen = tonumber(marks[1] or '0'), tonumber(marks[2] or '0')
local oldest = redis.call('XRANGE', KEYS[5], '-', '+', 'COUNT', 1)[1]
local first = oldest and tonumber(string.match(oldest[1], '^(%d+)')) or seq + 1
local counts = redis.call('HMGET', KEYS[1], 'leaves', 'bytes')
local since, missed, bytes = tonumber(ARGV[4]), 0, tonumber(counts[2] or '0')
if since and since < seq then
  local next_one = redis.call('XRANGE', KEYS[5], string.format('%.0f', since + 1), '+', 'COUNT', 1)[1]
  if next_one then missed = bytes - tonumber(next_one[2][6] or bytes) end
end
local after = string.format('(%.0f', math.max(read, seen))
local unread = redis.call('ZCOUNT', KEYS[4], after, '+inf') - redis.call('ZCOUNT', KEYS[6], after, '+inf')
return {member and 0 or 1, kind, redis.call('HLEN', KEYS[2]), read, unread, tonumber(counts[1] or '0'), missed,
  generation, seq, predecessors, first}
