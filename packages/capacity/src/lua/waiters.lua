-- Put after common.lua and breaker.lua and before every script of this folder: jobs that found no room, in order of
-- urgency.
--
-- State:
--   waiters (zset) per scope (a target or a tenant) that has no room for them: members "job id|model" scored by
--                  effective deadline; among equals the older job id is first. Its key is the scope's use and ':waiters'.
--   parked (hash)  member -> packed record: {lapses at, awake until, times woken, scopes}, a scope being
--                  {use, input tokens, output tokens as that scope counts them, log}
--   field 'lim' of a scope's use: the limits that its waiters wait for
-- A waiter that has been woken keeps its room on paper until it comes or its grace is over.

local MOST_SERVED = 64
local WAKE_GRACE_MS = 1000
local MOST_WAKES = 3
-- What a job is told that must let others go first and is not parked.
local TURN_MS = 250
local KEPT_SECONDS = 3600

local function waiters_of(use)
  return use .. ':waiters'
end

-- The sums of a scope as of now, and what else its use says.
local function read_use(use, log, now)
  prune(use, log, now)
  local f = redis.call('HMGET', use, 'r', 'i', 'o', 'x', 'c', 'paused_until', 'input_ratio', 'lat_s', 'lat_w', 'lim')
  local sums = { r = number(f[1], 0), i = number(f[2], 0), o = number(f[3], 0), x = number(f[4], 0), c = number(f[5], 0) }
  sums.t = sums.i + sums.o + sums.x
  local weight = number(f[9], 0)
  local usual = weight > 0 and number(f[8], 0) / weight or nil
  return sums, {
    paused_until = number(f[6], 0), input_ratio = number(f[7], 1), latency = usual or 250, usual_latency = usual,
    limits = f[10],
  }
end

local function copy_of(sums)
  return { r = sums.r, t = sums.t, i = sums.i, o = sums.o, c = sums.c }
end

local function append(list, more)
  for _, item in ipairs(more) do list[#list + 1] = item end
  return list
end

-- A call that is larger than the whole limit takes an empty window.
local function is_within(limit, sum, need)
  return limit < 0 or sum + math.min(need, limit) <= limit
end

local function has_room(limits, sums, input, output)
  return is_within(limits.r, sums.r, 1)
    and is_within(limits.t, sums.t, input + output)
    and is_within(limits.i, sums.i, input)
    and is_within(limits.o, sums.o, output)
    and (limits.c < 0 or sums.c < math.max(1, limits.c))
end

local function take_on_paper(sums, input, output)
  sums.r, sums.c = sums.r + 1, sums.c + 1
  sums.i, sums.o, sums.t = sums.i + input, sums.o + output, sums.t + input + output
end

-- A job's place in the order; nil for a caller that takes no turn.
local function turn_of(member, urgency)
  if member == '' then return nil end
  return { member = member, urgency = tonumber(urgency) }
end

local function is_before(urgency, member, turn)
  return urgency < turn.urgency or (urgency == turn.urgency and member < turn.member)
end

-- Takes a job out of the waiters of all scopes.
local function unpark(parked, member)
  local packed = redis.call('HGET', parked, member)
  if not packed then return end
  for _, scope in ipairs(cmsgpack.unpack(packed)[4]) do redis.call('ZREM', waiters_of(scope[1]), member) end
  redis.call('HDEL', parked, member)
end

local function scope_of(record, use)
  for _, scope in ipairs(record[4]) do
    if scope[1] == use then return scope end
  end
end

local function has_lapsed(record, now)
  return record[1] <= now or (record[2] <= now and record[3] >= MOST_WAKES)
end

-- Gives the waiters of a scope their room on paper, most urgent first, and adds to `wake` those that sleep. Stops at
-- the first that has no room: a large call is not starved by small ones that are less urgent. With a turn it looks
-- only at those before it.
-- Returns whether all of them have room, and whether anyone waits here.
local function serve_waiters(parked, use, limits, sums, now, turn, wake)
  local key = waiters_of(use)
  local list = redis.call('ZRANGE', key, 0, MOST_SERVED - 1, 'WITHSCORES')
  for n = 1, #list, 2 do
    local member = list[n]
    if turn and not is_before(tonumber(list[n + 1]), member, turn) then return true, true end
    local packed = redis.call('HGET', parked, member)
    local record = packed and cmsgpack.unpack(packed)
    local scope = record and scope_of(record, use)
    if not scope then
      redis.call('ZREM', key, member)
    elseif has_lapsed(record, now) then
      unpark(parked, member)
    else
      if not has_room(limits, sums, scope[2], scope[3]) then return false, true end
      take_on_paper(sums, scope[2], scope[3])
      if record[2] <= now then
        record[2], record[3] = now + WAKE_GRACE_MS, record[3] + 1
        redis.call('HSET', parked, member, cmsgpack.pack(record))
        wake[#wake + 1] = member
      end
    end
  end
  return #list < 2 * MOST_SERVED, #list > 0
end

local function unpack_limits(packed)
  local r, t, i, o, c = string.match(packed or '', '^(-?%d+)|(-?%d+)|(-?%d+)|(-?%d+)|(-?%d+)$')
  return {
    r = tonumber(r or -1), t = tonumber(t or -1), i = tonumber(i or -1), o = tonumber(o or -1), c = tonumber(c or -1),
  }
end

-- Adds the waiters of a scope that have room now to `wake`.
local function wake_waiters(parked, use, log, now, wake)
  if redis.call('EXISTS', waiters_of(use)) == 0 then return end
  local sums, more = read_use(use, log, now)
  local breaker = read_breaker(use, now)
  if more.paused_until > now or breaker.operated or breaker.phase ~= 'closed' then return end
  local limits = unpack_limits(more.limits)
  limits.c = slow_start_places(breaker, now, limits.c) or limits.c
  serve_waiters(parked, use, limits, sums, now, nil, wake)
end

-- The waiters that have room after a reservation has ended.
local function waiters_with_room(parked, reservation, now)
  local wake = {}
  for _, scope in ipairs(scopes_of(reservation)) do wake_waiters(parked, scope[1], scope[2], now, wake) end
  return wake
end
