-- Makes a job wait in the scopes that had no room for it, unless one of them has by now. Says when it should look by
-- itself: when the windows have let go of enough for all before it and for itself.
-- KEYS: parked, warm
-- ARGV: now or '', member, urgency, tenant, its weight, then for each scope: use, log, input tokens, output tokens, limits (requests,
--       tokens, input, output a minute; concurrency; -1 where none is stated), 1 when a margin is kept of tokens or 0
-- Returns {1, number of the scope that has room} (nothing is parked) or {0, wait in ms}, and after that the members of
-- waiters that have room now and should come.
local SHORTEST_MS, LONGEST_MS = 10, 300000
-- How long a job waits by itself for a cold state to be rebuilt; that wakes it.
local COLD_MS = 5000
-- The least that a job waits for a place before it looks by itself.
local PLACE_MS = 10000
-- Between two jobs whose waits have the same end: that of a pause, or the longest of all.
local APART_MS = 20
-- Entries of the log that are read for one job; further on, windows are taken to slide evenly.
local MOST_READ = 200

local parked = KEYS[1]
local now = read_now(ARGV[1])
local cold_for = redis.call('EXISTS', KEYS[2]) == 0 and COLD_MS or 0
local turn = turn_of(ARGV[2], ARGV[3], ARGV[4], ARGV[5])
local wake, scopes = {}, {}

-- How long nothing is let through, by the cold, by a pause or by the breaker; a probe under way is looked at again soon.
local function closed_for(more, breaker)
  local pause = math.max(cold_for, more.paused_until - now, breaker.operated and PATIENCE_MS or 0)
  if breaker.phase == 'closed' then return pause end
  return math.max(pause, breaker.phase == 'open' and breaker.until_at - now or PATIENCE_MS)
end

local function read_scope(place)
  local use, log = ARGV[place], ARGV[place + 1]
  local sums, more = read_use(use, log, now)
  local input, output = math.ceil(tonumber(ARGV[place + 2]) * more.input_ratio), tonumber(ARGV[place + 3])
  local breaker = read_breaker(use, now)
  local packed = table.concat(ARGV, '|', place + 4, place + 9)
  local limits = limits_now(unpack_limits(packed), sums, more, breaker, now)
  return {
    use = use, log = log, sums = sums, latency = more.latency, closed_for = closed_for(more, breaker),
    input = input, output = output, packed = packed, limits = limits, vtime = more.vtime,
  }
end

local function has_room_now(scope)
  if scope.closed_for > 0 then return false end
  local on_paper = copy_of(scope.sums)
  return serve_waiters(parked, scope, on_paper, now, turn, wake)
    and has_room(scope.limits, on_paper, scope.input, scope.output) 
    and not is_paced(scope.limits, on_paper, turn.urgency, now)
end

for place = 6, #ARGV, 10 do
  local scope = read_scope(place)
  scopes[#scopes + 1] = scope
  if has_room_now(scope) then return append({ 1, #scopes }, wake) end
end

-- When entries worth `excess` will have left a window. What is in flight leaves it a window after it was sent; if it
-- turns out smaller than expected, settling wakes whoever fits.
local function window_wait(scope, limit, excess, amount)
  local even = WINDOW_MS * excess / math.max(1, limit)
  local page = redis.call('ZRANGE', scope.log, 0, MOST_READ - 1, 'WITHSCORES')
  local freed, last = 0, 0
  for n = 1, #page, 2 do
    freed = freed + amount(amounts_of(page[n]))
    last = tonumber(page[n + 1]) - now
    if freed >= excess then return last end
  end
  if #page >= 2 * MOST_READ then return math.max(last, even) end
  return math.max(WINDOW_MS - math.min(50000, math.max(5000, 3 * scope.latency)), even)
end

local counts = {
  { 'r', function(r) return r end, function() return 1 end },
  { 't', function(_, i, o, x) return i + o + x end, function(scope) return scope.input + scope.output end },
  { 'i', function(_, i) return i end, function(scope) return scope.input end },
  { 'o', function(_, _, o) return o end, function(scope) return scope.output end },
}

-- How long a waiter waits still.
local function wait_of(tenant, use, place)
  local member = place >= 0 and redis.call('ZRANGE', waiters_of(use, tenant), place, place)[1]
  local packed = member and redis.call('HGET', parked, member)
  return packed and cmsgpack.unpack(packed)[1] - LAPSE_MS - now or 0
end

-- Whether the first waiter of another tenant goes before a job of this one that is as far on in its own queue.
local function goes_first(use, tenant, ahead, own_ahead, slack)
  if (ahead > slack) ~= (own_ahead > slack) then return own_ahead > slack end
  if ahead > slack then return ahead < own_ahead end
  local first = redis.call('ZRANGE', waiters_of(use, tenant), 0, 0, 'WITHSCORES')
  return #first > 0 and is_before(tonumber(first[2]), first[1], turn)
end

-- About how many go before this job: those of its tenant, and in the meantime as many of each other tenant. And how
-- long these wait: none of them is overtaken, so looking earlier is in vain.
local function before_in(scope)
  local use = scope.use
  local rank = redis.call('ZRANK', waiters_of(use, turn.tenant), turn.member)
  local longest, before = wait_of(turn.tenant, use, rank - 1), rank
  local tenants = redis.call('ZRANGE', waiting_of(use), 0, COMPARED - 1, 'WITHSCORES')
  local own = number(redis.call('ZSCORE', waiting_of(use), turn.tenant), 0)
  local least, slack = tonumber(tenants[2]), slack_of(scope.limits, scope.sums) / turn.weight
  for n = 1, #tenants, 2 do
    local tenant = tenants[n]
    if tenant ~= turn.tenant then
      local first = goes_first(use, tenant, tonumber(tenants[n + 1]) - least, own - least, slack)
      local count = math.min(redis.call('ZCARD', waiters_of(use, tenant)), rank + (first and 1 or 0))
      longest = math.max(longest, wait_of(tenant, use, count - 1))
      before = before + count
    end
  end
  return before, longest
end

-- Those before this job are taken to need what calls of this scope need on average.
local function wait_in(scope)
  local sums, limits = scope.sums, scope.limits
  local rank, longest = before_in(scope)
  local calm = is_calm(turn.urgency, now)
  for _, count in ipairs(counts) do
    local name, amount, need = count[1], count[2], count[3](scope)
    local limit = limits[name]
    if limit >= 0 then
      local mean = sums.r > 0 and sums[name] / sums.r or need
      local excess = sums[name] + rank * mean + math.min(need, limit) - limit
      if excess > 0 then longest = math.max(longest, window_wait(scope, limit, excess, amount)) end
      local used_until = math.max(sums.pace[name], now * 1000) + time_of(limit, rank * mean)
      if calm then longest = math.max(longest, pace_wait(limit, sums[name], used_until, now)) end
    end
  end
  if limits.c >= 0 and sums.c + rank >= math.max(1, limits.c) then
    -- A place is free when a call ends, and that wakes: this is only in case its worker has died.
    local rounds = 1 + rank / math.max(1, limits.c)
    longest = math.max(longest, PLACE_MS, 2 * scope.latency * rounds)
  end
  if scope.closed_for > 0 then longest = math.max(longest, scope.closed_for + rank * APART_MS) end
  return math.min(LONGEST_MS + rank * APART_MS, longest > 0 and longest or 1000), rank
end

local counters = {}
for n, scope in ipairs(scopes) do counters[n] = redis.call('ZSCORE', waiting_of(scope.use), turn.tenant) end
unpark(parked, turn.member)
if #scopes == 0 then return { 0, LONGEST_MS } end
local shortest, places, first = math.huge, {}, false
for n, scope in ipairs(scopes) do
  join_queue(scope, turn, counters[n])
  redis.call('HSET', scope.use, 'lim', scope.packed)
  local wait, before = wait_in(scope)
  shortest, first = math.min(shortest, wait), first or before == 0
  places[n] = { scope.use, scope.input, scope.output, scope.log }
end
local wait = math.ceil(math.max(SHORTEST_MS, shortest))
redis.call('HSET', parked, turn.member, cmsgpack.pack({ now + wait + LAPSE_MS, 0, 0, places, turn.tenant, turn.weight, first }))
redis.call('EXPIRE', parked, KEPT_SECONDS)
return append({ 0, wait }, wake)
