-- Ends a reservation whose request was sent: what it really took replaces what was expected and ages from then.
-- KEYS: held of the owner, parked
-- ARGV: now or '', reservation id, input tokens or '' (unknown), output tokens or '', ms from reservation to sending
--       or '', micro-USD or ''
-- Returns the members of waiters that have room now; nothing changes when the reservation is not known (any more).
local held = KEYS[1]
local now = read_now(ARGV[1])
local packed = redis.call('HGET', held, ARGV[2])
if not packed then return {} end
redis.call('HDEL', held, ARGV[2])
local record = cmsgpack.unpack(packed)
local input = ARGV[3] == '' and record[2] or tonumber(ARGV[3])
local output = ARGV[4] == '' and record[3] or tonumber(ARGV[4])
local micro_usd = ARGV[6] == '' and record[5] or tonumber(ARGV[6])
for _, scope in ipairs(scopes_of(record)) do
  add(scope[1], 'i', input - record[2])
  add(scope[1], 'o', output - record[3])
  add(scope[1], 'ct', input + output - record[2] - record[3])
  correct_pace(scope, 0, input - record[2], output - record[3])
  add_day(scope[3], record[1], now, input + output - record[2] - record[3], micro_usd - record[5])
end
local input_error, output_error = input - record[2], output - record[3]
settle_budgets(record, now, micro_usd)
recharge(record, input_error + output_error)
record[2], record[3] = input, output
-- Without a word on when it was sent, it may have been just now.
local sent_at = ARGV[5] == '' and now or record[1] + tonumber(ARGV[5])
age(ARGV[2], record, math.min(now, sent_at + SEND_MARGIN_MS))
local wake = waiters_with_room(KEYS[2], record, now)

-- Learns from answered calls: how long answers are (mean and variance), how our estimates of prompts compare, and how
-- far off what was reserved is.
if ARGV[4] == '' or output == 0 then return wake end
local use = record[9][1]
local f = redis.call('HMGET', use, 'out_n', 'out_mean', 'out_var', 'in_real', 'in_estimated',
  'e_i', 'e_iv', 'e_o', 'e_ov')
local n = math.min(number(f[1], 0) + 1, 50)
local mean, variance = learn_mean(number(f[2], 0), number(f[3], 0), output, n)
local input_mean, input_variance = learn_mean(number(f[6], 0), number(f[7], 0), input_error, n)
local output_mean, output_variance = learn_mean(number(f[8], 0), number(f[9], 0), output_error, n)
-- Forgets slowly, so that a few odd prompts do not tip the ratio of everything.
local real = number(f[4], 0) * 0.99 + input
local estimated = number(f[5], 0) * 0.99 + record[4]
local ratio = estimated > 0 and math.min(4, math.max(0.25, real / estimated)) or 1
redis.call('HSET', use, 'out_n', n, 'out_mean', mean, 'out_var', variance,
  'in_real', real, 'in_estimated', estimated, 'input_ratio', ratio,
  'e_i', input_mean, 'e_iv', input_variance, 'e_o', output_mean, 'e_ov', output_variance)
return wake
