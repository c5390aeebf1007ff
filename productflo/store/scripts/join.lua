-- Make a user a member. KEYS: 1 meta, 2 members, 3 reads, 4 ids, 5 log, 6 deleted
-- ARGV: user, member record, the caller's right: '1' where one beyond being a member already was found, 'ask' where
--       nobody has looked for one yet, else ''; the seq to resume after or ''
-- Returns nil (no such room), 'forbidden', under 'ask' {kind, creator, team, product} where it depends on more than
--   is known here, and nothing is changed; or
--   {new?, kind, member count, read seq, unread, memberships that ended, bytes of the events after that seq,
--    generation, seq, predecessors, first retained seq}
-- include: _server.lua
-- include: _position.lua
local fixed = redis.call('HMGET', KEYS[1], 'kind', 'creator', 'team', 'product', 'leaves', 'bytes')
local kind, right = fixed[1], ARGV[3]
if not kind then return false end
local known = redis.call('HGET', KEYS[2], ARGV[1])
local member = known ~= false
if right == 'ask' then
  -- A room of a team is left by who has left the team.
  if (fixed[3] or '') ~= '' or not (member or kind == 'open') then return {unpack(fixed, 1, 4)} end
elseif not member and right ~= '1' then
  return 'forbidden'
end
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
local since, missed, bytes = tonumber(ARGV[4]), 0, tonumber(fixed[6] or '0')
if since and since < seq then
  local next_one = redis.call('XRANGE', KEYS[5], string.format('%.0f', since + 1), '+', 'COUNT', 1)[1]
  if next_one then missed = bytes - tonumber(next_one[2][6] or bytes) end
end
local after = string.format('(%.0f', math.max(read, seen))
local unread = redis.call('ZCOUNT', KEYS[4], after, '+inf') - redis.call('ZCOUNT', KEYS[6], after, '+inf')
return {member and 0 or 1, kind, redis.call('HLEN', KEYS[2]), read, unread, tonumber(fixed[5] or '0'), missed,
  generation, seq, predecessors, first}
