-- Milliseconds since 1970 as ISO 8601; days to a civil date after Howard Hinnant,
-- "chrono-Compatible Low-Level Date Algorithms" (the sandbox has no os.date). `a - a % b` is what floor would be
-- called for, at a tenth of its cost.
local function iso(ms)
  local rest = ms % 86400000
  local z = (ms - rest) / 86400000 + 719468
  local doe = z % 146097
  local era = (z - doe) / 146097
  local years = doe - (doe - doe % 1460) / 1460 + (doe - doe % 36524) / 36524 - (doe - doe % 146096) / 146096
  local yoe = (years - years % 365) / 365
  local doy = doe - (365 * yoe + (yoe - yoe % 4) / 4 - (yoe - yoe % 100) / 100)
  local months = 5 * doy + 2
  local mp = (months - months % 153) / 153
  local days = 153 * mp + 2
  local day = doy - (days - days % 5) / 5 + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  local milli = rest % 1000
  local seconds = (rest - milli) / 1000
  local second = seconds % 60
  local minutes = (seconds - second) / 60
  local minute = minutes % 60
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day, (minutes - minute) / 60, minute,
    second, milli)
end
