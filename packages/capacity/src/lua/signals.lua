-- Reads one target for decisions.
-- KEYS: target use, target log, owners, target health
-- ARGV: now or ''
-- Returns {r, i, o, x, c, ms of pause left, latency sum, latency weight, error sum, error weight (both faded to now),
--          number of answers, mean and variance of output tokens, output tokens and ms of calls (both faded to now),
--          phase of the breaker, ms until it reopens, what an operator said or '', why it is paused or '', micro-USD
--          spent today, weight that an operator gave or '', calls at once as learned or '', tokens reserved for calls in flight}, as strings, and {bucket, calls, …} of the latencies
--          and of the times to the first part of streamed answers.
local use, log, owners, health = unpack(KEYS)
local now = read_now(ARGV[1])
sweep(owners, now)
prune(use, log, now)
local f = redis.call('HMGET', use, 'r', 'i', 'o', 'x', 'c', 'paused_until', 'lat_s', 'lat_w', 'err_s', 'err_w',
  'out_n', 'out_mean', 'out_var', 'tok_s', 'tok_ms', 'seen_at', 'pause_reason', 'op_weight', 'l_limit', 'ct')
local fade = fade_after(now - number(f[16], now))
local found = {}
for n = 1, 15 do found[n] = f[n] or '0' end
found[6] = tostring(math.max(0, number(f[6], 0) - now))
found[9] = tostring(number(f[9], 0) * fade)
found[10] = tostring(number(f[10], 0) * fade)
local breaker = read_breaker(use, now)
found[16] = breaker.phase
found[17] = tostring(breaker.phase == 'open' and breaker.until_at - now or 0)
found[18] = breaker.operated or ''
found[19] = f[17] or ''
found[20] = redis.call('HGET', health, spend_field(now)) or '0'
found[21] = f[18] or ''
found[22] = f[19] or ''
found[23] = f[20] or '0'
found[24], found[25] = read_times(health, now)
return found
