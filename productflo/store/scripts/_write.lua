-- Included by append.lua: writing one event.
-- Up to where what it says follows: the encoded head with when the store took it, and its place.
local function placed(head, ms, at)
  return string.format('%s,"accepted_at":"%s","seq":%.0f', head, iso(ms), at)
end

-- `said` is what a message or an edit says, nil of other events; more fields of the log's entry follow `digest`.
local function write(head, about, said, digest, ...)
  seq = seq + 1
  local e = placed(head, now, seq) .. about
  redis.call('XADD', log, string.format('%.0f-%s', seq, generation), 'e', e, 'd', digest,
    'b', string.format('%.0f', bytes), 't', string.format('%.0f', now), ...)
  published[#published + 1] = said and whole(e, said) or e .. '}}'
  bytes = bytes + #published[#published]
end
