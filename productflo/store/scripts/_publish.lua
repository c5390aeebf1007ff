-- Included by the scripts that tell a channel. In a Cluster a channel lives with its slot, on one shard (SPUBLISH);
-- a single server of version 6.2 knows no such channels. Needs `server_info`, which names the mode `redis_mode` or `server_mode`.
local function publish(channel, message)
  local in_cluster = string.find(server_info(), '_mode:cluster', 1, true)
  redis.call(in_cluster and 'SPUBLISH' or 'PUBLISH', channel, message)
end
