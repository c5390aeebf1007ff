-- Included by the scripts that need a room's position: generation, seq and the generations before; and the bytes of
-- all its envelopes. Needs `server_info`.
-- The generation changes whenever the server process did (its run_id): a restart may have lost the newest
-- writes, and a restored backup or a fail-over comes with a new process too. `predecessors` then keeps
-- where the old generation ended here ("<generation>:<seq>", newest first), so that a client at or below
-- that point may go on. 64 of them: a client that missed more restarts is told to read again.
-- A generation is the store's clock in microseconds. Where that clock was set back it is the one before and a
-- step made of the run_id: two restarts from one backup must not come to the same name.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

local function position(meta)
  local found = redis.call('HMGET', meta, 'generation', 'seq', 'run_id', 'predecessors', 'bytes')
  local generation, seq, run_id, predecessors = found[1], tonumber(found[2] or '0'), found[3], found[4] or ''
  local bytes = tonumber(found[5] or '0')
  if generation and run_id and string.find(server_info(), '\nrun_id:' .. run_id, 1, true) then
    return generation, seq, predecessors, bytes
  end
  local present = string.match(server_info(), '\nrun_id:(%w+)')
  local time = redis.call('TIME')
  local fresh = time[1] * 1000000 + time[2]
  if generation then
    if fresh <= tonumber(generation) then
      fresh = tonumber(generation) + 1 + tonumber(string.sub(present, 1, 5), 16)
    end
    local kept = {generation .. ':' .. seq}
    for one in string.gmatch(predecessors, '[^,]+') do
      if #kept < 64 then kept[#kept + 1] = one end
    end
    predecessors = table.concat(kept, ',')
  end
  fresh = string.format('%.0f', fresh)
  redis.call('HSET', meta, 'generation', fresh, 'run_id', present, 'predecessors', predecessors, 'seq', seq)
  return fresh, seq, predecessors, bytes
end
