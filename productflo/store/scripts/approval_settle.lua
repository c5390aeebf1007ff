-- Look for the decision, and use it up: by the worker that waits. KEYS: 1 approvals, 2 members
-- ARGV: id, digest of action and arguments, ms until the asking must be renewed, '1' to give up, who waits (a name for
--   this one waiting, so that the same call sent twice is one)
-- Returns {'open'} or {'approved', 'denied' or 'expired', by whom}. It is approved once, to the asking alone, for what
-- was asked, and only while the asker is a member, in whose name it is done.
-- include: _approval.lua
local approval = find(KEYS[1], ARGV[1])
if not approval then return {'expired', ''} end
local now = now_ms()
if not approval.decision then
  if now < approval.ends and ARGV[4] ~= '1' then
    if approval.alive < now + ARGV[3] / 2 then
      approval.alive = now + ARGV[3]
      write(KEYS[1], ARGV[1], approval)
    end
    return {'open', ''}
  end
  approval.decision = 'expired'
  write(KEYS[1], ARGV[1], approval)
end
if approval.decision ~= 'approved' then return {approval.decision, approval.by or ''} end
if (approval.used and approval.used ~= ARGV[5]) or approval.digest ~= ARGV[2] or ARGV[4] == '1'
  or redis.call('HEXISTS', KEYS[2], approval.asker) == 0 then
  return {'expired', ''}
end
approval.used = ARGV[5]
write(KEYS[1], ARGV[1], approval)
return {'approved', approval.by}
