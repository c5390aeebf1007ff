-- Tell an assistant's workers to look at rooms. KEYS: 1 stream of wake-ups ; ARGV: wake-ups to keep at most, rooms
for i = 2, #ARGV do redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'room', ARGV[i]) end
return #ARGV - 1
