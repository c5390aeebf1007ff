-- Included by append.lua: deleting a message, and all that belongs to it.
-- The answer that an assistant is writing to it stops, as run_stop.lua stops one. `questions` are seqs with a space
-- on either side of each.
local function stop_answers(at, by)
  for _, run in ipairs(runs) do
    local found = redis.call('HMGET', run, 'questions', 'message_id')
    if found[2] and string.find(found[1] or '', ' ' .. at .. ' ', 1, true) then
      redis.call('HSETNX', run, 'stop', by)
      publish(bus, cjson.encode({'stop', found[2], by}))
    end
  end
end

-- `rank` is 'operator' for one who may delete any message.
local function delete(sender, operation, digest, message_id, begin, by, rank)
  return revise(sender, operation, digest, message_id, begin, by, function(at, entry, parts)
    local allowed = author(entry) == sender or rank == 'operator' or redis.call('HGET', meta, 'creator') == sender
    if not allowed then return {'not_yours'} end
    write(begin, by, about(at), '', '', '', '')
    give_back(parts.files)
    parts.text, parts.rest, parts.more = '"message":"",', '', ',"deleted":true'
    parts.reactions, parts.files = '', ''
    redis.call('ZADD', deleted, at, message_id)
    redis.call('ZREMRANGEBYSCORE', feedback, at, at)
    stop_answers(at, sender)
  end)
end
