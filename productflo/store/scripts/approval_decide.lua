-- Approve or deny. KEYS: 1 approvals, 2 members, 3 assistants, 4 meta
-- ARGV: id, who decides, '1' for an operator, 'approved' or 'denied'
-- Returns 'not_found', 'forbidden' or {what it was decided as, by whom, the approval as JSON}; the first is 'expired'
-- where its time was over. Whoever decides is judged now: a member, who is a person, and the asker or the creator.
-- include: _approval.lua
local approval = find(KEYS[1], ARGV[1])
if not approval then return 'not_found' end
if ARGV[3] ~= '1' then
  if redis.call('HEXISTS', KEYS[2], ARGV[2]) == 0 or redis.call('HEXISTS', KEYS[3], ARGV[2]) == 1 then
    return 'forbidden'
  end
  if ARGV[2] ~= approval.asker and ARGV[2] ~= redis.call('HGET', KEYS[4], 'creator') then return 'forbidden' end
end
if not approval.decision then
  if is_over(approval, now_ms()) then return {'expired', '', cjson.encode(approval)} end
  approval.decision, approval.by = ARGV[4], ARGV[2]
  write(KEYS[1], ARGV[1], approval)
end
return {approval.decision, approval.by or '', cjson.encode(approval)}
