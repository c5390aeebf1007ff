-- Included where a script asks which server runs it; INFO costs some microseconds, so once a call.
local server

local function server_info()
  server = server or redis.call('INFO', 'server')
  return server
end
