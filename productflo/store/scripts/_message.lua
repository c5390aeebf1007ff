-- Included where messages are read or changed; needs `log` and `messages`.
-- An event's place in the log is for ever: XDEL would only mark it, and keep its bytes. So what a message says
-- stands beside the log, in {room}:messages by seq, where it can be replaced; six lines, the middle ones members
-- of JSON:
--   seq of its latest edit | text | what else its author gave | mentions and edited_at | reactions | own files
-- An edit in the log has no text of its own (`m` is the seq of its message): it shows the message as it is now.
-- store/reading.py puts the two together.
local function parts_of(record)
  local edit, text, rest, more, reactions, own_files =
    string.match(record, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)\n([^\n]*)$')
  return {edit = edit, text = text, rest = rest, more = more, reactions = reactions, files = own_files}
end

local function record_of(parts)
  return parts.edit .. '\n' .. parts.text .. '\n' .. parts.rest .. '\n' .. parts.more .. '\n' .. parts.reactions
    .. '\n' .. parts.files
end

local function seq_of(found)
  return string.match(found[1], '^%d+')
end

-- The fields of what XRANGE found.
local function fields_of(found)
  local fields = {}
  for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
  return fields
end

local function entry_at(seq)
  local found = redis.call('XRANGE', log, seq, seq)[1]
  return found and fields_of(found)
end
