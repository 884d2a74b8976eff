-- Ends the waiting of a job that will not come; its room on paper goes to the others.
-- KEYS: parked
-- ARGV: now or '', member
-- Returns the members of waiters that have room now.
local parked = KEYS[1]
local packed = redis.call('HGET', parked, ARGV[2])
local wake = {}
if not packed then return wake end
local now = read_now(ARGV[1])
unpark(parked, ARGV[2])
for _, scope in ipairs(cmsgpack.unpack(packed)[4]) do wake_waiters(parked, scope[1], scope[4], now, wake) end
return wake
