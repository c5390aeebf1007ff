-- Included by append.lua: which of the messages that came have come before, looked up for all of them at once.
-- `known` has the seqs of those in the log by their message ids, `remembered` what _seen.lua tells of the others.
local known, remembered = {}, {}
do
  local wanted = {}
  for at = FIRST, #given, EACH do
    if given[at] == 'chat' then wanted[#wanted + 1] = given[at + 2] end
  end
  if #wanted > 0 then
    local found = redis.call('ZMSCORE', ids, unpack(wanted))
    for i = 1, #wanted do
      if found[i] then known[wanted[i]] = found[i] end
    end
    if redis.call('EXISTS', seen, seen_before) > 0 then
-- include: _seen.lua
      remembered = recall('m ', wanted)
    end
  end
end
