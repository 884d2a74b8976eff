-- Records how a call went: means of latency (good calls only), of failures and of speed, each sample fading with a
-- time constant of 30 s, as sum and weight so that many samples at one moment count alike; the latency once more in
-- a histogram of this and the last minute; the breaker; and how many calls at once go well.
-- KEYS: target use, target health, target log, parked
-- ARGV: now or '', latency ms, 1 for a good call or 0 or '', what it says of the target's health or '', the opening
--       that it probes or 0, ms to be left alone or 0, output tokens or 0, micro-USD, 1 when the target has too much to
--       do, else 0, ms until the first part of a streamed answer or ''
-- Returns the members of waiters that have room now because a probe has closed the breaker or more calls at once go well.
local use, health, log, parked = unpack(KEYS)
local now = read_now(ARGV[1])
local latency, ok = tonumber(ARGV[2]), ARGV[3]
feed_breaker(use, health, now, ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]))
count_spend(health, now, tonumber(ARGV[8]))
local call = { good = ok == '1', overloaded = ARGV[9] == '1', latency = latency, output = tonumber(ARGV[7]) }
local has_grown = feed_learned(use, now, call)
local wake = {}
if has_grown or ARGV[5] ~= '0' then wake_waiters(parked, use, log, now, wake) end
if ok == '' then return wake end

local f = redis.call('HMGET', use, 'seen_at', 'lat_s', 'lat_w', 'err_s', 'err_w', 'tok_s', 'tok_ms')
local fade = fade_after(now - number(f[1], now))
local latency_sum, latency_weight = number(f[2], 0) * fade, number(f[3], 0) * fade
local error_sum, error_weight = number(f[4], 0) * fade, number(f[5], 0) * fade
local tokens, token_ms = number(f[6], 0) * fade, number(f[7], 0) * fade
if ok == '1' then
  latency_sum, latency_weight = latency_sum + latency, latency_weight + 1
  count_time(health, now, 'l', latency)
  if ARGV[10] ~= '' then count_time(health, now, 't', tonumber(ARGV[10])) end
  local output = tonumber(ARGV[7])
  if output > 0 then tokens, token_ms = tokens + output, token_ms + latency end
else
  error_sum = error_sum + 1
end
redis.call('HSET', use, 'seen_at', now, 'lat_s', latency_sum, 'lat_w', latency_weight,
  'err_s', error_sum, 'err_w', error_weight + 1, 'tok_s', tokens, 'tok_ms', token_ms)
return wake
