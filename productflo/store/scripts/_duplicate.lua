-- Included by append.lua where something may have been done before.
-- An event that is in the log: its entry, what its message says, and whether it is an edit.
local function duplicate(at, e, record, is_edit)
  return {'duplicate', tonumber(at), e, record or '', is_edit and 1 or 0}
end
