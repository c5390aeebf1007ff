-- Move a read mark forward, never back. KEYS: 1 ids, 2 reads, 3 members
-- ARGV: user, message id. Returns nil (no such message), 'forbidden', or {moved?, read seq}.
if redis.call('HEXISTS', KEYS[3], ARGV[1]) == 0 then return 'forbidden' end
local seq = redis.call('ZSCORE', KEYS[1], ARGV[2])
if not seq then return false end
local before = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or '0')
if tonumber(seq) <= before then return {0, before} end
redis.call('HSET', KEYS[2], ARGV[1], string.format('%.0f', seq))
return {1, tonumber(seq)}
