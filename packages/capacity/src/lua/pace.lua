-- Lets jobs that have time use the limits of a minute evenly: put after common.lua and before waiters.lua.
--
-- A backlog that takes a whole minute's limit at once leaves nothing for the rest of the minute, and does so again each
-- minute, when all of it leaves the window together: urgent jobs that come in between would wait up to a minute. So a
-- calm job, whose effective deadline is at least a window away, is let through only at the pace of the limit, as by the
-- generic cell rate algorithm (ITU-T I.371): each limit has a moment up to which it is used when taken evenly, and a
-- calm job goes when that lies no further ahead than a lead. Urgent jobs pass, and calm ones make up for them. Taken
-- evenly a limit is used as fully as in bursts. The lead shrinks with what is free of the window: with a fixed one the
-- window would be full before its minute is over, and be so each minute again. Whatever the lead, calm jobs go at no
-- more than a peak rate, so that nobody's jobs are gone from the lanes before the next are fed.
--
-- State, in a scope's use, whole microseconds since 1970: 'p_r', 'p_t', 'p_i', 'p_o' are those moments of requests and
-- of tokens (all, input, output), 'p_peak' the same at the peak rate.

local CALM_MS = 60000
local LEAD_US = 5000000
-- The lead is at most so many times what is free of the window.
local LEAD_PER_FREE = 3
local PEAK, PEAK_LEAD_US = 4, 1000000
local PACED = { 'r', 't', 'i', 'o' }

local function is_calm(urgency, now) return urgency - now >= CALM_MS end

local function pace_of(f, at)
  return { r = number(f[at], 0), t = number(f[at + 1], 0), i = number(f[at + 2], 0), o = number(f[at + 3], 0),
    peak = number(f[at + 4], 0) }
end

local function copy_of_pace(pace)
  return { r = pace.r, t = pace.t, i = pace.i, o = pace.o, peak = pace.peak }
end

-- Microseconds that an amount of a limit takes.
local function time_of(limit, amount)
  return math.floor(amount * WINDOW_MS * 1000 / math.max(1, limit))
end

-- For how many ms a calm job must wait until a limit that is used until then lets it go, 0 or less when it need not.
local function pace_wait(limit, sum, used_until, now)
  local lead = math.min(LEAD_US, LEAD_PER_FREE * time_of(limit, math.max(0, limit - sum)))
  return (used_until - lead) / 1000 - now
end

-- For how many ms a calm job must wait, 0 when it need not.
local function paced_for(limits, sums, now)
  local pace = sums.pace
  local wait = (pace.peak - PEAK_LEAD_US) / 1000 - now
  for _, name in ipairs(PACED) do
    local limit = limits[name]
    if limit >= 0 then wait = math.max(wait, pace_wait(limit, sums[name], pace[name], now)) end
  end
  return math.max(0, math.ceil(wait))
end

-- Uses limits for one call. A call that is larger than the whole limit takes a window.
local function advance(pace, limits, now, input, output)
  local now_us, longest = now * 1000, 0
  local units = { r = 1, t = input + output, i = input, o = output }
  for _, name in ipairs(PACED) do
    local limit = limits[name]
    if limit >= 0 then
      local time = time_of(limit, math.min(units[name], limit))
      pace[name] = math.max(pace[name], now_us) + time
      longest = math.max(longest, time)
    end
  end
  if longest > 0 then pace.peak = math.max(pace.peak, now_us) + math.floor(longest / PEAK) end
end

local function keep_pace(use, pace)
  if pace.peak == 0 then return end
  local fields = {}
  for name, moment in pairs(pace) do append(fields, { 'p_' .. name, string.format('%.0f', moment) }) end
  redis.call('HSET', use, unpack(fields))
end

-- Corrects the pace of a scope of a record by what its call took more (or less) in truth.
local function correct_pace(scope, requests, input, output)
  local units = { r = requests, t = input + output, i = input, o = output }
  for n, name in ipairs(PACED) do
    local limit = scope[4][n]
    if limit >= 0 then add(scope[1], 'p_' .. name, time_of(limit, units[name])) end
  end
end
