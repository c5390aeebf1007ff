-- Take a question that several assistants hear, for the one that is first. KEYS: 1 run, 2 claim
-- ARGV: token, assistant, seconds that the claim is known. Returns 'LOST', 1 for the one that has it, or 0.
-- include: _run.lua
if not holds(KEYS[1], ARGV[1]) then return 'LOST' end
redis.call('SET', KEYS[2], ARGV[2], 'NX', 'EX', ARGV[3])
return redis.call('GET', KEYS[2]) == ARGV[2] and 1 or 0
