-- Included where an assistant's answer comes to its end: the hash {room}:run:<assistant>.
-- A list is JSON, and not there when it is empty.
local function list_of(run, field)
  local found = redis.call('HGET', run, field)
  return found and cjson.decode(found) or {}
end

local function keep_list(run, field, list)
  if #list == 0 then return redis.call('HDEL', run, field) end
  return redis.call('HSET', run, field, cjson.encode(list))
end

-- What is asked again, beside the cursor, has a name with a colon, and is the oldest of its list.
local function is_again(question)
  return question and string.find(question, ':', 1, true)
end

local function forget_answer(run)
  if is_again(redis.call('HGET', run, 'question')) then
    local again = list_of(run, 'again')
    table.remove(again, 1)
    keep_list(run, 'again', again)
  end
  redis.call('HDEL', run, 'question', 'questions', 'asker', 'message_id', 'run_id', 'tries', 'text', 'index', 'stop',
    'begun', 'acted', 'regenerates')
end

-- Everything up to the cursor is dealt with; what was withdrawn there needs no word any more.
local function move_cursor(run, cursor)
  redis.call('HSET', run, 'cursor', cursor)
  forget_answer(run)
  local left = {}
  for _, seq in ipairs(list_of(run, 'withdrawn')) do
    if seq > tonumber(cursor) then left[#left + 1] = seq end
  end
  keep_list(run, 'withdrawn', left)
end
