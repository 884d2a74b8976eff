-- Lets jobs that have time use the limits of a minute evenly: put after common.lua and before waiters.lua.
--
-- A backlog that takes a whole minute's limit at once leaves nothing for the rest of the minute, and does so again each
-- minute, when all of it leaves the window together: urgent jobs that come in between would wait up to a minute. So a
-- calm job, whose effective deadline is at least a window away, is let through only at the pace of the limit, as by the
-- generic cell rate algorithm (ITU-T I.371): each limit has a moment up to which it is used when taken evenly, and a
-- calm job goes when that lies no further ahead than a lead. Urgent jobs pass, and calm ones make up for them. Taken
-- evenly a limit is used as fully as in bursts. After idle time the lead is larger and shrinks over a window, so that
-- what was let through ahead is made up for before it leaves the window. Whatever the lead, calm jobs go at no more
-- than a peak rate, so that nobody's jobs are gone from the lanes before the next are fed.
--
-- State, in a scope's use, whole microseconds since 1970: 'p_r', 'p_t', 'p_i', 'p_o' are those moments of requests and
-- of tokens (all, input, output), 'p_peak' the same at the peak rate, 'p_since' when the last idle time ended.

local CALM_MS = 60000
local LEAD_US, IDLE_LEAD_US = 5000000, 20000000
local PEAK, PEAK_LEAD_US = 4, 1000000
local PACED = { 'r', 't', 'i', 'o' }

local function is_calm(urgency, now) return urgency - now >= CALM_MS end

local function pace_of(f, at)
  return { r = number(f[at], 0), t = number(f[at + 1], 0), i = number(f[at + 2], 0), o = number(f[at + 3], 0),
    peak = number(f[at + 4], 0), since = number(f[at + 5], 0) }
end

local function copy_of_pace(pace)
  return { r = pace.r, t = pace.t, i = pace.i, o = pace.o, peak = pace.peak, since = pace.since }
end

-- Microseconds that an amount of a limit takes.
local function time_of(limit, amount)
  return math.floor(amount * WINDOW_MS * 1000 / math.max(1, limit))
end

local function latest_of(pace) return math.max(pace.r, pace.t, pace.i, pace.o) end

-- How long ahead a limit may be used, and the share of time by which that shrinks.
local function lead_at(pace, now)
  local window, passed = WINDOW_MS * 1000, now * 1000 - pace.since
  if passed >= window then return LEAD_US, 0 end
  local slope = (IDLE_LEAD_US - LEAD_US) / window
  return IDLE_LEAD_US - passed * slope, slope
end

-- For how many ms a calm job must wait until a limit that is used until then lets it go.
local function pace_wait(pace, used_until, now)
  local lead, slope = lead_at(pace, now)
  return (used_until - lead - now * 1000) / (1 - slope) / 1000
end

-- For how many ms a calm job must wait, 0 when it need not.
local function paced_for(pace, now)
  local at_peak = (pace.peak - PEAK_LEAD_US) / 1000 - now
  return math.max(0, math.ceil(math.max(at_peak, pace_wait(pace, latest_of(pace), now))))
end

-- Uses limits for one call; `busy` when others wait. A call that is larger than the whole limit takes a window.
local function advance(pace, limits, now, input, output, busy)
  local now_us, longest = now * 1000, 0
  if not busy and latest_of(pace) < now_us then pace.since = now_us end
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
