-- Included by append.lua: writing one event. `begin` is its encoded envelope up to where `data` begins, `by` what
-- comes in it between the text and the rest.
local PLACED = ',"accepted_at":"' .. accepted_at .. '","seq":'

-- Whether somebody is a member, which no event of this call changes.
local known_members = {}

local function is_member(user)
  if known_members[user] == nil then known_members[user] = redis.call('HEXISTS', members, user) == 1 end
  return known_members[user]
end

-- `text`, `rest` and `more` are what a message or an edit says. The log's entry may have one field more.
-- Returns the seq's digits.
local function write(begin, by, about, text, rest, more, digest, field, value)
  seq = seq + 1
  local at = format('%d', seq)
  local entry = begin .. by .. PLACED .. at .. about
  if field then
    redis.call('XADD', log, at .. '-' .. generation, 'e', entry, 'd', digest, 'b', bytes, 't', now, field, value)
  else
    redis.call('XADD', log, at .. '-' .. generation, 'e', entry, 'd', digest, 'b', bytes, 't', now)
  end
  local envelope = begin .. text .. by .. rest .. PLACED .. at .. about .. more .. '}}'
  published[#published + 1] = envelope
  bytes = bytes + #envelope
  return at
end
