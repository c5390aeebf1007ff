-- Reserve tokens and money of a budget, or change a reservation. KEYS: 1 budget
-- ARGV: reservation, tokens, cost, how long it holds in ms, tokens a day or '', cost a day or ''
-- Returns {1} or, where there is not so much left, {0, tokens left for it, cost left for it}; less than 0 of
-- what is not limited. What was reserved before stays then. Making it smaller always succeeds.
-- include: _spent.lua
local tokens, cost = of_today(KEYS[1])
local own = 'r:' .. ARGV[1]
local own_tokens, own_cost = -1, -1
local fields = redis.call('HGETALL', KEYS[1])
for at = 1, #fields, 2 do
  if fields[at]:sub(1, 2) == 'r:' then
    local t, c, till = fields[at + 1]:match('(%d+) (%d+) (%d+)')
    if tonumber(till) > now_ms and fields[at] == own then
      own_tokens, own_cost = tonumber(t), tonumber(c)
    elseif tonumber(till) > now_ms then
      tokens, cost = tokens + tonumber(t), cost + tonumber(c)
    elseif tonumber(till) + 3600000 < now_ms then
      redis.call('HDEL', KEYS[1], fields[at]) -- Of a worker that died: nobody will settle it any more.
    end
  end
end
local wish_tokens, wish_cost = tonumber(ARGV[2]), tonumber(ARGV[3])
local left_tokens = ARGV[5] == '' and -1 or math.max(0, ARGV[5] - tokens)
local left_cost = ARGV[6] == '' and -1 or math.max(0, ARGV[6] - cost)
local smaller = wish_tokens <= own_tokens and wish_cost <= own_cost
local fits = (left_tokens < 0 or wish_tokens <= left_tokens) and (left_cost < 0 or wish_cost <= left_cost)
if not smaller and not fits then return {0, left_tokens, left_cost} end
redis.call('HSET', KEYS[1], own, ARGV[2] .. ' ' .. ARGV[3] .. ' ' .. number(now_ms + ARGV[4]))
return {1}
