-- Make an account unless the email has one; the same call sent twice finds its own, by its salted hash. KEYS: 1 account
-- ARGV: the password's hash, then fields and values. Returns 1, or 0 where there is another.
if redis.call('EXISTS', KEYS[1]) == 1 then
  return redis.call('HGET', KEYS[1], 'password') == ARGV[1] and 1 or 0
end
redis.call('HSET', KEYS[1], 'password', unpack(ARGV))
return 1
