-- Ends the cold: counts everything that the ledger knows to count, and wakes the jobs that have room.
-- KEYS: warm, cold, owners, parked
-- ARGV: now or '', token of the claim, what counts as JSON:
--       sent     [[use, log, ms ago at least, requests, input tokens, output tokens], …]
--       hours    [[day, hour, tokens, micro-USD], …]
--       running  [[held, reservation id, ms since its start, ms left of the lease, input tokens, output tokens,
--                  micro-USD, [[budget, window], …], [target and tenant as [use, log, day or ''], …]], …]
--       budgets  [[budget, window, hour, micro-USD], …]
-- Returns {0} when the claim was lost or it is warm already, else {1} and the members of waiters that have room now.
local warm, cold, owners, parked = unpack(KEYS)
local now = read_now(ARGV[1])
if redis.call('EXISTS', warm) == 1 or redis.call('HGET', cold, 'token') ~= ARGV[2] then return { 0 } end
local known = cjson.decode(ARGV[3])
local sums = {}

local function count(use, r, i, o, c, ct)
  local sum = sums[use] or { r = 0, i = 0, o = 0, c = 0, ct = 0 }
  sums[use] = sum
  sum.r, sum.i, sum.o, sum.c, sum.ct = sum.r + r, sum.i + i, sum.o + o, sum.c + c, sum.ct + ct
end

for n, call in ipairs(known.sent) do
  local use, log, ago, r, i, o = unpack(call)
  local leaves_at = now - ago + SEND_MARGIN_MS + WINDOW_MS
  if leaves_at > now then
    redis.call('ZADD', log, leaves_at, entry_of(string.format('rebuilt%06d', n), r, i, o, 0))
    count(use, r, i, o, 0, 0)
  end
end

-- A record as `reserve` makes it. It charges no tenant and paces nobody.
for _, call in ipairs(known.running) do
  local held, id, ago, lease, i, o, micro_usd, budgets, scopes = unpack(call)
  local record = { now - ago, i, o, i, micro_usd, '', 1, budgets }
  for n, scope in ipairs(scopes) do
    count(scope[1], 1, i, o, 1, i + o)
    record[8 + n] = { scope[1], scope[2], scope[3], { -1, -1, -1, -1 } }
  end
  for _, budget in ipairs(budgets) do
    if budget[2] == 'total' then add(budget[1], 'h', micro_usd) end
  end
  redis.call('HSET', held, id, cmsgpack.pack(record))
  redis.call('ZADD', owners, 'GT', now + lease, held)
end

for use, sum in pairs(sums) do
  for _, field in ipairs({ 'r', 'i', 'o', 'c', 'ct' }) do add(use, field, sum[field]) end
end
for _, spent in ipairs(known.hours) do
  add_day(spent[1], spent[2] * HOUR_MS, now, spent[3], spent[4])
end
for _, spent in ipairs(known.budgets) do
  local budget, window, hour, micro_usd = unpack(spent)
  if window == 'total' then
    redis.call('HSET', budget, 'm', string.format('%.0f', micro_usd))
  else
    add_day(budget, hour * HOUR_MS, now, 0, micro_usd)
  end
  redis.call('EXPIRE', budget, BUDGET_SECONDS)
end

redis.call('DEL', cold)
redis.call('SET', warm, ARGV[2])
sweep(owners, now)

local wake, logs, uses = {}, {}, {}
for _, packed in ipairs(redis.call('HVALS', parked)) do
  for _, place in ipairs(cmsgpack.unpack(packed)[4]) do logs[place[1]] = place[4] end
end
for use in pairs(logs) do uses[#uses + 1] = use end
table.sort(uses)
for _, use in ipairs(uses) do wake_waiters(parked, use, logs[use], now, wake) end
return append({ 1 }, wake)
