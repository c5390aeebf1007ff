-- Included by append.lua: writing one event. `begin` is its encoded envelope up to where `data` begins, `by` what
-- comes in it between the text and the rest. A seq is turned into digits once: an argument that is a number costs more.
local function digits(number)
  return string.format('%.0f', number)
end

local function placed(time, at)
  return ',"accepted_at":"' .. time .. '","seq":' .. at
end

-- Whether somebody is a member, which no event of this call changes.
local known_members = {}

local function is_member(user)
  if known_members[user] == nil then known_members[user] = redis.call('HEXISTS', members, user) == 1 end
  return known_members[user]
end

-- `said` is what a message or an edit says; more fields of the log's entry follow `digest`. Returns the seq's digits.
local function write(begin, by, about, said, digest, ...)
  seq = seq + 1
  local at = digits(seq)
  local place = placed(accepted_at, at) .. about
  redis.call('XADD', log, at .. '-' .. generation, 'e', begin .. by .. place, 'd', digest, 'b', digits(bytes),
    't', accepted_ms, ...)
  local envelope = begin .. said.text .. by .. said.rest .. place .. said.more .. '}}'
  published[#published + 1] = envelope
  bytes = bytes + #envelope
  return at
end

-- An event that is there: its entry, what its message says, and whether it is an edit.
local function duplicate(at, e, record, is_edit)
  return {'duplicate', tonumber(at), e, record or '', is_edit and 1 or 0}
end
