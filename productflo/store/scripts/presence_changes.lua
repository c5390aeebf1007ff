-- What a listener missed. KEYS: as the others' ; ARGV: epoch of the last change that it knows, or '' for none
-- Returns {epoch of the newest change, user, `word|epoch`, user, `word|epoch` ...}, each user as they are now.
local found = {redis.call('ZRANGE', KEYS[4], -1, -1, 'WITHSCORES')[2] or '0'}
if ARGV[1] == '' then return found end
local changed = redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. ARGV[1], '+inf', 'WITHSCORES')
for i = 1, #changed, 2 do
  found[#found + 1] = changed[i]
  found[#found + 1] = redis.call('HGET', KEYS[3], changed[i]) or 'offline|' .. changed[i + 1]
end
return found
