-- Move the cursor over what needs no answer, or got none. KEYS: 1 run ; ARGV: token, seq. Returns 'LOST' or 'OK'.
-- include: _run.lua
if not holds(KEYS[1], ARGV[1]) then return 'LOST' end
move_cursor(KEYS[1], ARGV[2])
return 'OK'
