-- Included by append.lua: reactions. A message holds them as `,"reactions":{"<emoji>":["<user>",...],...}`, emoji
-- and users in the order in which they came; neither holds a quotation mark or a backslash.
local MOST_EMOJI, MOST_REACTIONS = 20, 1000

-- {{emoji, users}, ...}, and how many reactions they are.
local function reactions_of(encoded)
  local found, count = {}, 0
  for emoji, list in string.gmatch(encoded, '"([^"]+)":%[([^%]]+)%]') do
    local users = {}
    for user in string.gmatch(list, '"([^"]+)"') do users[#users + 1] = user end
    found[#found + 1] = {emoji, users}
    count = count + #users
  end
  return found, count
end

local function encoded_of(reactions)
  local pairs_of = {}
  for _, reaction in ipairs(reactions) do
    if #reaction[2] > 0 then
      pairs_of[#pairs_of + 1] = string.format('"%s":["%s"]', reaction[1], table.concat(reaction[2], '","'))
    end
  end
  return #pairs_of > 0 and ',"reactions":{' .. table.concat(pairs_of, ',') .. '}' or ''
end

-- Where in a list something stands, or nil.
local function place_of(wanted, list)
  for i, one in ipairs(list) do
    if one == wanted then return i end
  end
end

local function react(sender, operation, digest, message_id, begin, by, action, emoji)
  return revise(sender, operation, digest, message_id, begin, by, function(at, entry, parts)
    local reactions, count = reactions_of(parts.reactions)
    local users
    for _, reaction in ipairs(reactions) do
      if reaction[1] == emoji then users = reaction[2] end
    end
    local place = users and place_of(sender, users)
    if (action == 'add') == (place ~= nil) then return {'unchanged', tonumber(at)} end
    if action == 'remove' then
      table.remove(users, place)
    elseif count >= MOST_REACTIONS or (not users and #reactions >= MOST_EMOJI) then
      return {'full'}
    elseif users then
      users[#users + 1] = sender
    else
      reactions[#reactions + 1] = {emoji, {sender}}
    end
    write(begin, by, about(at), '', '', '', '')
    parts.reactions = encoded_of(reactions)
  end)
end
