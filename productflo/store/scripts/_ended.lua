-- Included where a worker that died leaves something. A holder is `<worker>.<more>`. The worker of a supervisor is called
-- `<family>-<run>`, and the supervisor has waited for the end of each run before it began the next: of an earlier one
-- nobody is left.
local function ended(holder, by)
  local family, run = string.match(holder, '^(%x+)%-(%d+)%.')
  local own_family, own_run = string.match(by, '^(%x+)%-(%d+)%.')
  return family and family == own_family and tonumber(run) < tonumber(own_run)
end
