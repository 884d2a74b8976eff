-- Records how a call went: means of latency (good calls only) and of failures, each sample fading with a time
-- constant of 30 s, as sum and weight so that many samples at one moment count alike.
-- KEYS: target use
-- ARGV: now or '', latency ms, 1 for a good call or 0
-- Returns nothing of meaning.
local now = read_now(ARGV[1])
local f = redis.call('HMGET', KEYS[1], 'seen_at', 'lat_s', 'lat_w', 'err_s', 'err_w')
local fade = math.exp(-math.max(0, now - number(f[1], now)) / 30000)
local latency_sum, latency_weight = number(f[2], 0) * fade, number(f[3], 0) * fade
local error_sum, error_weight = number(f[4], 0) * fade, number(f[5], 0) * fade
if ARGV[3] == '1' then
  latency_sum, latency_weight = latency_sum + tonumber(ARGV[2]), latency_weight + 1
else
  error_sum = error_sum + 1
end
return redis.call('HSET', KEYS[1], 'seen_at', now, 'lat_s', latency_sum, 'lat_w', latency_weight,
  'err_s', error_sum, 'err_w', error_weight + 1)
