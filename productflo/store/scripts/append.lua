-- The only writer of a room's log: allowed? seen? next seq, XADD, indexes, PUBLISH; for a batch of messages.
-- KEYS: 1 log, 2 meta, 3 ids, 4 members, 5 files, 6 assistants, 7 bus, 8 reads,
--       9 the assistant's run (guarded only)
-- ARGV: retention in messages, lease token and new cursor ('' and '' where unguarded), then for each message:
--       sender, message id, digest of its content, number of files, the files, and
--       the envelope encoded up to where accepted_at and seq go
-- Returns {results, assistants}: a result a message, {'ok', seq} | {'duplicate', seq, envelope} |
--       {'conflict'} | {'forbidden'} | {'lost'}; assistants as HGETALL. 'conflict' under a lease tells that
--       somebody else took the message id: what another worker wrote under it is 'lost'.
-- Called again with the same arguments (redis-py sends again after a time-out) it answers 'duplicate'.
-- include: _position.lua
-- include: _iso.lua
-- include: _publish.lua
local log, meta, ids, members, files, bus = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[7]
local reads, run = KEYS[8], KEYS[9]
local retention, token, cursor = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local DAY = 86400000

local function seen(message_id, digest)
  local seq = redis.call('ZSCORE', ids, message_id)
  if not seq then return nil end
  seq = string.format('%.0f', seq)
  local entry = redis.call('XRANGE', log, seq, seq)[1]
  if entry and entry[2][4] == digest then return {'duplicate', tonumber(seq), entry[2][2]} end
  return {'conflict'}
end

-- Ids of trimmed messages are forgotten one to two days after they were written: until then a late retry
-- is recognised, and the index stays in proportion to the log.
local function forget_old_ids(now, seq)
  local mark_seq, mark_time = string.match(redis.call('HGET', meta, 'ids_mark') or '0:0', '(%d+):(%d+)')
  if now - tonumber(mark_time) < DAY then return end
  local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  local first = oldest and tonumber(string.match(oldest[1], '^(%d+)')) or seq
  redis.call('ZREMRANGEBYSCORE', ids, '-inf', math.min(tonumber(mark_seq), first - 1))
  redis.call('HSET', meta, 'ids_mark', string.format('%.0f:%.0f', seq, now))
end

local generation, seq = position(meta)
local first_seq = seq + 1
local bytes = tonumber(redis.call('HGET', meta, 'bytes') or '0')
local now = now_ms()
local accepted_at = iso(now)
local results, published = {}, {}
local at = 4
while at <= #ARGV do
  local sender, message_id, digest, file_count = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local envelope_at = at + 4 + file_count
  local result = seen(message_id, digest)
  local lost = token ~= '' and redis.call('HGET', run, 'token') ~= token
  if lost and not (result and result[1] == 'duplicate') then
    result = {'lost'}
  elseif not result and redis.call('HEXISTS', members, sender) == 0 then
    result = {'forbidden'}
  elseif not result then
    seq = seq + 1
    local envelope = ARGV[envelope_at] .. ',"accepted_at":"' .. accepted_at .. '","seq":' .. seq .. '}}'
    redis.call('XADD', log, 'MAXLEN', '~', retention, seq .. '-' .. generation, 'e', envelope, 'd', digest,
      'b', string.format('%.0f', bytes))
    bytes = bytes + #envelope
    redis.call('ZADD', ids, seq, message_id)
    redis.call('HSET', reads, sender .. '|seen', seq)
    for i = at + 4, envelope_at - 1 do redis.call('HINCRBY', files, ARGV[i], 1) end
    published[#published + 1] = envelope
    result = {'ok', seq}
  end
  results[#results + 1] = result
  at = envelope_at + 1
end
if #published > 0 then
  redis.call('HSET', meta, 'seq', seq, 'bytes', string.format('%.0f', bytes))
  if token ~= '' then
    redis.call('HSET', run, 'cursor', cursor)
    redis.call('HDEL', run, 'question', 'message_id', 'run_id', 'tries', 'text', 'index', 'stop', 'begun')
  end
  forget_old_ids(now, seq)
  local head = string.format('["log",%.0f,"%s",%.0f]\n', first_seq, generation, now)
  publish(bus, head .. table.concat(published, '\n'))
end
return {results, redis.call('HGETALL', KEYS[6])}
