-- Reserves room for one call on all limits of its target and of its tenant and on all budgets it is held against, or
-- says when there can be room. Refuses while a job that goes before it waits for the same room.
-- KEYS: target use, target log, target day, tenant use, tenant log, tenant day, owners, held of the owner,
--       target health, parked, warm
-- ARGV: now or '', reservation id, lease ms, input tokens, output tokens,
--       micro-USD at worst, target limits (requests, tokens, input, output a minute; concurrency; tokens, micro-USD
--       a day), tenant limits (requests, tokens a minute; concurrency; micro-USD a day); -1 where none is stated;
--       1 for a job with time to probe a failing target, else 0; of the job that asks: member of the waiters, urgency,
--       tenant and its weight, each '' when it takes no turn; then for each budget: key, name for refusals, micro-USD,
--       'day' or 'total', micro-USD spent of it or ''
-- Returns {1, requests left, tokens left (-1: not limited), opening of the breaker that the call probes or 0}
-- or {0, name of the limit, wait in ms, 1 when no time and no call's end lifts it, 2 when it must be said what was spent
-- of the budget}, and after that the members of waiters that have room now and should come.
local target_use, target_log, target_day, tenant_use, tenant_log, tenant_day, owners, held, target_health, parked =
  unpack(KEYS)
local now = read_now(ARGV[1])
local micro_usd = tonumber(ARGV[6])

local function limits_from(place, names)
  local limits, any = {}, false
  for n, name in ipairs(names) do
    limits[name] = tonumber(ARGV[place + n - 1])
    any = any or limits[name] >= 0
  end
  return limits, any
end

local target_limit = limits_from(7, { 'r', 't', 'i', 'o', 'c', 'day_t', 'day_m' })
local tenant_limit, tenant_limited = limits_from(14, { 'r', 't', 'c', 'day_m' })

local is_rated = math.max(target_limit.r, target_limit.t, target_limit.i, target_limit.o) >= 0

-- What counts is not known.
if redis.call('EXISTS', KEYS[11]) == 0 then return { 0, 'target.cold', 1000, 0 } end
sweep(owners, now)
local budgets = budgets_from(23)
for _, budget in ipairs(budgets) do
  if not begin_budget(budget, now) then return { 0, budget.name, 0, 2 } end
end
for _, budget in ipairs(budgets) do
  if budget.window == 'total' then
    local _, at_best = left_of_total(budget)
    if at_best < micro_usd then return { 0, budget.name, DAY_HOURS * HOUR_MS, 1 } end
  end
end
local used, more = read_use(target_use, target_log, now)
local paused_until = more.paused_until
if paused_until > now then return { 0, 'target.paused', paused_until - now, 0 } end
local breaker = read_breaker(target_use, now)
if open_if_silent(target_use, target_health, breaker, now, used.c, more.usual_latency) then
  breaker = read_breaker(target_use, now)
end
if breaker.operated then return { 0, 'target.operated', 5000, 0 } end
local closed_for = breaker_wait(target_use, breaker, now, ARGV[18] == '1')
if closed_for then return { 0, 'target.breaker', math.max(1, math.ceil(closed_for)), 0 } end

local output = tonumber(ARGV[5])
local estimate = tonumber(ARGV[4])
local input = math.ceil(estimate * more.input_ratio)
local latency = more.latency
local worst_name, worst_wait

local function deny(name, wait)
  wait = math.max(1, math.ceil(wait))
  if not worst_wait or wait > worst_wait then worst_name, worst_wait = name, wait end
end

-- When entries of the log worth `excess` will have left. Calls in flight age only once they are settled: beyond the
-- log, one usual latency is as early as anything can change.
local function wait_for(log, excess, amount)
  local from, freed = 0, 0
  while from < 2000 do
    local page = redis.call('ZRANGE', log, from, from + 99, 'WITHSCORES')
    for n = 1, #page, 2 do
      freed = freed + amount(amounts_of(page[n]))
      if freed >= excess then return tonumber(page[n + 1]) - now end
    end
    if #page < 200 then break end
    from = from + 100
  end
  return math.min(5000, math.max(100, latency))
end

-- A call that is larger than the whole limit takes an empty window.
local function require_window(name, limit, sum, need, log, amount)
  if limit < 0 then return end
  local excess = sum + math.min(need, limit) - limit
  if excess > 0 then deny(name, wait_for(log, excess, amount)) end
end

local function require_place(name, limit, in_flight)
  if limit >= 0 and in_flight >= math.max(1, limit) then
    -- A place is free when any call ends. Many wait for it, so each need not look as often as places come free.
    deny(name, math.min(2000, math.max(50, latency / 8)))
  end
end

-- What the hours of a day hold, and when enough of them will have left; hours that have left are deleted.
local function require_day(name, limit, kind, day, need)
  if limit < 0 then return end
  local sum, hours, by_hour = 0, {}, {}
  local all = redis.call('HGETALL', day)
  for n = 1, #all, 2 do
    local hour = tonumber(string.sub(all[n], 2))
    if hour < first_hour(now) then
      redis.call('HDEL', day, all[n])
    elseif string.sub(all[n], 1, 1) == kind then
      hours[#hours + 1], by_hour[hour] = hour, tonumber(all[n + 1])
      sum = sum + by_hour[hour]
    end
  end
  local excess = sum + need - limit
  if excess <= 0 then return end
  table.sort(hours)
  for _, hour in ipairs(hours) do
    excess = excess - by_hour[hour]
    if excess <= 0 then return deny(name, (hour + DAY_HOURS + 1) * HOUR_MS - now) end
  end
  deny(name, DAY_HOURS * HOUR_MS)
end

local function requests(r) return r end
local function tokens(_, i, o, x) return i + o + x end
local function inputs(_, i) return i end
local function outputs(_, _, o) return o end

local turn = turn_of(ARGV[19], ARGV[20], ARGV[21], ARGV[22])

local function require_pace(name, limits, sums)
  if turn and is_paced(limits, sums, turn.urgency, now) then deny(name, paced_for(limits, sums, now)) end
end

local minute_limits = with_margin(target_limit, more.errors, used.c)
local tenant_minute_limits = { r = tenant_limit.r, t = tenant_limit.t, i = -1, o = -1 }

require_window('target.requests_per_minute', target_limit.r, used.r, 1, target_log, requests)
require_window('target.tokens_per_minute', minute_limits.t, used.t, input + output, target_log, tokens)
require_window('target.input_tokens_per_minute', minute_limits.i, used.i, input, target_log, inputs)
require_window('target.output_tokens_per_minute', minute_limits.o, used.o, output, target_log, outputs)
require_pace('target.pace', minute_limits, used)
require_place('target.concurrency', target_limit.c, used.c)
if target_limit.c < 0 then
  if more.learned < 0 then more.learned = begin_learning(target_use, is_rated) end
  require_place('target.learned_concurrency', more.learned, used.c)
end
require_place('target.slow_start', slow_start_places(breaker, now, target_limit.c) or -1, used.c)
require_day('target.tokens_per_day', target_limit.day_t, 't', target_day, input + output)
require_day('target.usd_per_day', target_limit.day_m, 'm', target_day, micro_usd)
local tenant_used
if tenant_limited then
  tenant_used = read_use(tenant_use, tenant_log, now)
  require_window('tenant.requests_per_minute', tenant_limit.r, tenant_used.r, 1, tenant_log, requests)
  require_window('tenant.tokens_per_minute', tenant_limit.t, tenant_used.t, input + output, tenant_log, tokens)
  require_pace('tenant.pace', tenant_minute_limits, tenant_used)
  require_place('tenant.concurrency', tenant_limit.c, tenant_used.c)
  require_day('tenant.usd_per_day', tenant_limit.day_m, 'm', tenant_day, micro_usd)
end
for _, budget in ipairs(budgets) do
  if budget.window == 'day' then
    require_day(budget.name, budget.limit, 'm', budget.key, micro_usd)
  elseif left_of_total(budget) < micro_usd then
    -- What calls under way hold at worst comes back in part when they end.
    deny(budget.name, math.min(5000, math.max(500, latency)))
  end
end
if worst_name then return { 0, worst_name, worst_wait, 0 } end

minute_limits.c, tenant_minute_limits.c = places_of(more, breaker, now, target_limit.c), tenant_limit.c
local wake, crowded = {}, {}
local target = {
  use = target_use, sums = used, vtime = more.vtime,
  limits = minute_limits,
}
local tenant = {
  use = tenant_use, sums = tenant_used, vtime = 0,
  limits = tenant_minute_limits,
}

-- Whether those who wait before this job leave it room.
local function has_turn(scope)
  -- A probe is of no use to those who wait: it is one call, and better one that is not urgent.
  if not turn then return true end
  if breaker.phase ~= 'closed' then
    scope.floor = floor_of_waiting(scope)
    return true
  end
  local on_paper = copy_of(scope.sums)
  local served, floor = serve_waiters(parked, scope, on_paper, now, turn, wake)
  scope.floor = floor
  if floor then crowded[#crowded + 1] = scope end
  return served and has_room(scope.limits, on_paper, input, output) 
    and not is_paced(scope.limits, on_paper, turn.urgency, now)
end

local function yield(name)
  return append({ 0, name, TURN_MS, 0 }, wake)
end

if not has_turn(target) then return yield('target.turn') end
if tenant_limited and not has_turn(tenant) then return yield('tenant.turn') end
if turn then unpark(parked, turn.member) end
if target.floor then charge(target, target.floor, turn, input + output) end

local function take(scope, log, day)
  local use, sums, limits = scope.use, scope.sums, scope.limits
  redis.call('HSET', use, 'r', sums.r + 1, 'i', sums.i + input, 'o', sums.o + output, 'c', sums.c + 1)
  add(use, 'ct', input + output)
  advance(sums.pace, limits, now, input, output)
  keep_pace(use, sums.pace)
  add_day(day, now, now, input + output, micro_usd)
  return { use, log, day, { limits.r, limits.t, limits.i, limits.o } }
end

local counts_day = target_limit.day_t >= 0 or target_limit.day_m >= 0
local record = {
  now, input, output, estimate, micro_usd, target.floor and turn.tenant or '', turn and turn.weight or 1,
  hold_budgets(budgets, now, micro_usd),
  take(target, target_log, counts_day and target_day or ''),
}
if tenant_limited then
  record[10] = take(tenant, tenant_log, tenant_limit.day_m >= 0 and tenant_day or '')
end
redis.call('HSET', held, ARGV[2], cmsgpack.pack(record))
redis.call('ZADD', owners, 'GT', now + tonumber(ARGV[3]), held)

local function left(limit, sum)
  return limit < 0 and -1 or math.max(0, limit - sum)
end
note_call(target_use, breaker, now, used.c)
local answer = { 1, left(target_limit.r, used.r + 1), left(target_limit.t, used.t + input + output),
  take_probe(target_use, breaker, now) }
-- What is left may be enough for those who wait behind this job.
for _, scope in ipairs(crowded) do
  take_on_paper(scope.sums, input, output)
  serve_waiters(parked, scope, copy_of(scope.sums), now, nil, wake)
end
return append(answer, wake)
