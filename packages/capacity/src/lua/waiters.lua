-- Put after fair-order.lua and before every script of this folder: jobs that found no room, and who of them has some.
--
-- State, beside that of fair-order.lua:
--   parked (hash)  member -> packed record: {lapses at, awake until, times woken, scopes, tenant, weight, whether it was
--                  first when it was parked}, a scope being
--                  {use, input tokens, output tokens as that scope counts them, log}
--   field 'lim' of a scope's use: the limits that its waiters wait for
-- A waiter that has been woken keeps its room on paper until it comes or its grace is over.

local WAKE_GRACE_MS = 1000
local MOST_WAKES = 3
-- A job that does not look for so long after its wait is gone.
local LAPSE_MS = 10000
-- By so much may the first waiter's own wait be longer than it need be.
local STALE_MS = 2000
-- What a job is told that must let others go first and is not parked.
local TURN_MS = 250

-- The sums of a scope as of now, and what else its use says.
local function read_use(use, log, now)
  prune(use, log, now)
  local f = redis.call('HMGET', use, 'r', 'i', 'o', 'x', 'c', 'paused_until', 'input_ratio', 'lat_s', 'lat_w', 'lim',
    'vtime', 'p_r', 'p_t', 'p_i', 'p_o', 'p_peak', 'l_limit',
    'out_n', 'e_i', 'e_iv', 'e_o', 'e_ov')
  local sums = { r = number(f[1], 0), i = number(f[2], 0), o = number(f[3], 0), x = number(f[4], 0), c = number(f[5], 0) }
  sums.t = sums.i + sums.o + sums.x
  sums.pace = pace_of(f, 12)
  local weight = number(f[9], 0)
  local usual = weight > 0 and number(f[8], 0) / weight or nil
  return sums, {
    paused_until = number(f[6], 0), input_ratio = number(f[7], 1), latency = usual or 250, usual_latency = usual,
    limits = f[10], vtime = number(f[11], 0),
    -- -1: nothing is learned, as in the scope of a tenant.
    learned = math.floor(number(f[17], -1)),
    errors = errors_of(f, 18),
  }
end

local function copy_of(sums)
  return { r = sums.r, t = sums.t, i = sums.i, o = sums.o, c = sums.c, pace = copy_of_pace(sums.pace) }
end

-- A call that is larger than the whole limit takes an empty window.
local function is_within(limit, sum, need)
  return limit < 0 or sum + math.min(need, limit) <= limit
end

local function windows_have_room(limits, sums, input, output)
  return is_within(limits.r, sums.r, 1)
    and is_within(limits.t, sums.t, input + output)
    and is_within(limits.i, sums.i, input)
    and is_within(limits.o, sums.o, output)
end

local function has_room(limits, sums, input, output)
  return windows_have_room(limits, sums, input, output) and (limits.c < 0 or sums.c < math.max(1, limits.c))
end

local function take_on_paper(sums, input, output)
  sums.r, sums.c = sums.r + 1, sums.c + 1
  sums.i, sums.o, sums.t = sums.i + input, sums.o + output, sums.t + input + output
end

-- Whether a job that has time must let some of it pass.
local function is_paced(limits, sums, urgency, now)
  return is_calm(urgency, now) and paced_for(limits, sums, now) > 0
end

-- A job's place in the order; nil for a caller that takes no turn.
local function turn_of(member, urgency, tenant, weight)
  if member == '' then return nil end
  return { member = member, urgency = tonumber(urgency), tenant = tenant, weight = tonumber(weight) }
end

-- Takes a job out of the waiters of all scopes.
local function unpark(parked, member)
  local packed = redis.call('HGET', parked, member)
  if not packed then return end
  local record = cmsgpack.unpack(packed)
  for _, scope in ipairs(record[4]) do leave_queue(scope[1], record[5], member) end
  redis.call('HDEL', parked, member)
end

local function place_in(record, use)
  for _, place in ipairs(record[4]) do
    if place[1] == use then return place end
  end
end

local function has_lapsed(record, now)
  return record[1] <= now or (record[2] <= now and record[3] >= MOST_WAKES)
end

-- Reads what waiters need in one scope, and takes out those that do not wait there any more.
local function reader_of(parked, use, now)
  return function(tenant, member)
    local packed = redis.call('HGET', parked, member)
    local record = packed and cmsgpack.unpack(packed)
    local place = record and place_in(record, use)
    if not place then
      leave_queue(use, tenant, member)
    elseif has_lapsed(record, now) then
      unpark(parked, member)
    else
      return { input = place[2], output = place[3], weight = record[6], record = record }
    end
  end
end

local function wake_up(parked, head, now, wake)
  local record = head.record
  if record[2] > now then return end
  record[2], record[3] = now + WAKE_GRACE_MS, record[3] + 1
  redis.call('HSET', parked, head.member, cmsgpack.pack(record))
  wake[#wake + 1] = head.member
end

-- Wakes the first waiter, which only time will give room, if it waits longer than it need to: its wait was computed
-- when others were before it, and they have gone earlier than was expected. It comes, and waits as long as it must.
local function stir(parked, head, now, wake)
  local record = head.record
  if not record[7] and record[1] - LAPSE_MS > now + STALE_MS then wake_up(parked, head, now, wake) end
end

-- Gives the waiters of a scope their room on paper, in their order, and adds to `wake` those that sleep. Stops at the
-- first that has no room: a large call is not starved by small ones that come after it. With a turn it stops there.
-- A tenant whose head only pace holds back lets urgent jobs of others pass, as far as they are not ahead of it.
-- Returns whether all of them have room, and the virtual time if anyone waits here.
local function serve_waiters(parked, scope, sums, now, turn, wake)
  local order = open_order(scope, turn, reader_of(parked, scope.use, now))
  if not order then return true end
  for _ = 1, MOST_SERVED do
    local queue = next_queue(order)
    if not queue then return order.looks > 0 and not (turn and order.holds), order.floor end
    local head = queue.head
    if head == turn then return true, order.floor end
    if is_paced(scope.limits, sums, head.urgency, now) then
      if not turn and not order.holds then stir(parked, head, now, wake) end
      queue.held, order.holds = true, true
    elseif has_room(scope.limits, sums, head.input, head.output) then
      take_on_paper(sums, head.input, head.output)
      advance(sums.pace, scope.limits, now, head.input, head.output)
      wake_up(parked, head, now, wake)
      pass(order, queue, head.input + head.output)
    else
      local waits_for_time = not windows_have_room(scope.limits, sums, head.input, head.output)
      if not turn and not order.holds and waits_for_time then stir(parked, head, now, wake) end
      return false, order.floor
    end
  end
  return false, order.floor
end

local function unpack_limits(packed)
  local r, t, i, o, c, m = string.match(packed or '', '^(-?%d+)|(-?%d+)|(-?%d+)|(-?%d+)|(-?%d+)|(%d)$')
  return {
    r = tonumber(r or -1), t = tonumber(t or -1), i = tonumber(i or -1), o = tonumber(o or -1), c = tonumber(c or -1),
    has_margin = m == '1',
  }
end

-- Limits that waiters wait for as they are now.
local function limits_now(limits, sums, more, breaker, now)
  local open = limits.has_margin and with_margin(limits, more.errors, sums.c) or limits
  open.c = places_of(more, breaker, now, limits.c)
  return open
end

-- Adds the waiters of a scope that have room now to `wake`.
local function wake_waiters(parked, use, log, now, wake)
  if redis.call('EXISTS', waiting_of(use)) == 0 then return end
  local sums, more = read_use(use, log, now)
  local breaker = read_breaker(use, now)
  if more.paused_until > now or breaker.operated or breaker.phase ~= 'closed' then return end
  local limits = limits_now(unpack_limits(more.limits), sums, more, breaker, now)
  local scope = { use = use, limits = limits, sums = sums, vtime = more.vtime }
  serve_waiters(parked, scope, copy_of(sums), now, nil, wake)
end

-- The waiters that have room after a reservation has ended.
local function waiters_with_room(parked, reservation, now)
  local wake = {}
  for _, scope in ipairs(scopes_of(reservation)) do wake_waiters(parked, scope[1], scope[2], now, wake) end
  return wake
end
