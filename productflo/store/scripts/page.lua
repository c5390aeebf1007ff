-- Some of a room's messages as they are now, and where the room stands; in one trip, so that nothing is trimmed
-- between one look and the next. KEYS: 1 meta, 2 ids, 3 log, 4 messages
-- ARGV: 'after' or 'before', a seq ('before' none: '+inf'), messages at most, bytes beyond which none follows
-- Returns nil (no such room), or {generation, then for each message, the nearest first: id of its entry, entry,
--   digest, what it says or ''}
-- include: _server.lua
-- include: _position.lua
if redis.call('HEXISTS', KEYS[1], 'kind') == 0 then return false end
local onwards, most, left = ARGV[1] == 'after', ARGV[3], tonumber(ARGV[4])
local bound = ARGV[2] == '+inf' and ARGV[2] or '(' .. ARGV[2]
local command, last_one = 'ZREVRANGEBYSCORE', '-inf'
if onwards then command, last_one = 'ZRANGEBYSCORE', '+inf' end
local found = redis.call(command, KEYS[2], bound, last_one, 'WITHSCORES', 'LIMIT', 0, most)
-- Read at once: of the longest messages some 5 MB.
local CHUNK = 25

-- The entries of some seqs, by seq.
local function entries_of(seqs)
  local first, last, entries = seqs[1], seqs[#seqs], {}
  if not onwards then first, last = last, first end
  -- All at once where they are most of what is there: a look at each costs more than the others.
  if last - first < 2 * #seqs then
    for _, entry in ipairs(redis.call('XRANGE', KEYS[3], first, last)) do
      entries[string.match(entry[1], '^%d+')] = entry
    end
  else
    for _, seq in ipairs(seqs) do entries[seq] = redis.call('XRANGE', KEYS[3], seq, seq)[1] end
  end
  return entries
end

local page = {(position(KEYS[1]))}

local function add(entry, said)
  local fields = {}
  for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
  page[#page + 1] = entry[1]
  page[#page + 1] = fields.e
  page[#page + 1] = fields.d or ''
  page[#page + 1] = said or ''
  left = left - #fields.e - #(said or '')
end

for begin = 2, #found, 2 * CHUNK do
  local seqs = {}
  for at = begin, math.min(begin + 2 * CHUNK - 2, #found), 2 do seqs[#seqs + 1] = found[at] end
  local entries, said = entries_of(seqs), redis.call('HMGET', KEYS[4], unpack(seqs))
  for i, seq in ipairs(seqs) do
    if left < 0 then return page end
    if entries[seq] then add(entries[seq], said[i]) end
  end
end
return page
