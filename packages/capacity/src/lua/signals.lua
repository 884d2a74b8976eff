-- Reads one target for decisions.
-- KEYS: target use, target log, owners
-- ARGV: now or ''
-- Returns {r, i, o, x, c, ms of pause left, latency sum, latency weight, error sum, error weight (both faded to now),
--          number of answers, mean and variance of output tokens}, as strings.
local now = read_now(ARGV[1])
sweep(KEYS[3], now)
prune(KEYS[1], KEYS[2], now)
local f = redis.call('HMGET', KEYS[1], 'r', 'i', 'o', 'x', 'c', 'paused_until', 'lat_s', 'lat_w', 'err_s', 'err_w',
  'out_n', 'out_mean', 'out_var', 'seen_at')
local fade = math.exp(-math.max(0, now - number(f[14], now)) / 30000)
local found = {}
for n = 1, 13 do found[n] = f[n] or '0' end
found[6] = tostring(math.max(0, number(f[6], 0) - now))
found[9] = tostring(number(f[9], 0) * fade)
found[10] = tostring(number(f[10], 0) * fade)
return found
