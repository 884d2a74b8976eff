-- How many calls at once a target takes that states no concurrency: put after breaker.lua and before the scripts that
-- ask or feed it.
--
-- Learned as TCP learns its window (Jacobson, "Congestion Avoidance and Control", 1988), with latency as the first sign
-- of congestion (Vegas; Netflix concurrency-limits). It goes by rounds of calls, and while it is used it grows: by half,
-- and from a mark on by its square root. It holds once latency is twice what it was at a quarter as many calls at once:
-- about there throughput over latency ("power", Kleinrock 1979) is largest, and a target with so many places and no
-- more is kept busy with half as many calls. After a minute of holding, or when latency is three times as long, it falls
-- to a quarter and latency is measured anew, so that neither a target that was busy when it was first measured nor one
-- that has become slower misleads it for long; the mark is then half of what it was. A 429, 503 or timeout takes it down
-- by 0.3 and keeps it below that for a minute. Calls that began before a fall say nothing about what came after it.
--
-- State, in the use hash of the target:
--   l_limit    calls at once, with a fraction
--   l_slow     from where on it grows slowly; none at first
--   l_base     latency since it last fell, and l_now of late: ms per unit, a call having its output tokens and 50 more
--   l_held_at  since when it holds
--   l_back_at  when it last fell
--   l_top      where it was when the target last had too much, and l_top_at when
--   l_n, l_ms, l_units, l_peak, l_since  calls of the running round, their ms and units, most calls at once, its start

local begin_learning, feed_learned
-- A block, because a script has room for 200 local names.
do
  local START = 8
  -- Where a rate is stated, that is what holds back; this is only a ceiling.
  local START_RATED = 64
  local MOST = 1000
  -- With one place a call that hangs would keep all others away; TCP's window after a loss is not below two either
  -- (RFC 5681).
  local LEAST = 2
  local GROWTH = 1.5
  local SHRINK = 0.7
  local HOLD_RISE, FALL_RISE = 2, 3
  local FALL_SHARE = 0.25
  local HOLD_MS, HOLD_LATENCIES = 60000, 30
  -- A latency that is longer by less is noise of our own machines.
  local GAP_MS = 100
  -- What a call takes beside its output, in output tokens.
  local UNITS = 50
  local ROUND_LEAST, ROUND_MOST = 5, 50
  -- It grows only when so much of it was used, and too much to do is its fault only when half of it was.
  local USED = 0.8
  local USED_HALF = 0.5
  local TOP_MS = 60000
  local TOP_SHARE = 0.95
  local FIELDS = { 'l_limit', 'l_slow', 'l_base', 'l_now', 'l_held_at', 'l_back_at', 'l_top', 'l_top_at', 'l_n',
    'l_ms', 'l_units', 'l_peak', 'l_since' }

  -- Begins to learn for a target of which nothing is known yet.
  function begin_learning(use, is_rated)
    local start = is_rated and START_RATED or START
    redis.call('HSET', use, 'l_limit', start)
    return start
  end

  local function read_learned(use)
    local f = redis.call('HMGET', use, unpack(FIELDS))
    if not f[1] then return nil end
    local learned = {}
    for n, name in ipairs(FIELDS) do learned[name] = tonumber(f[n] or nil) end
    return learned
  end

  local function keep_learned(use, learned)
    local known = {}
    for _, name in ipairs(FIELDS) do
      if learned[name] then append(known, { name, learned[name] }) end
    end
    redis.call('HSET', use, unpack(known))
    if not learned.l_now then redis.call('HDEL', use, 'l_base', 'l_now') end
    if not learned.l_held_at then redis.call('HDEL', use, 'l_held_at') end
  end

  local function begin_round(learned, now)
    learned.l_n, learned.l_ms, learned.l_units, learned.l_peak, learned.l_since = 0, 0, 0, 0, now
  end

  local function fall(learned, now, share)
    learned.l_limit = math.max(LEAST, learned.l_limit * share)
    learned.l_back_at, learned.l_held_at = now, nil
    begin_round(learned, now)
  end

  local function most_now(learned, now)
    if not learned.l_top or now >= learned.l_top_at + TOP_MS then return MOST end
    return math.max(LEAST, math.min(MOST, learned.l_top * TOP_SHARE))
  end

  local function grow(learned, now)
    learned.l_held_at = nil
    local limit, slow = learned.l_limit, learned.l_slow or math.huge
    if learned.l_peak < USED * math.floor(limit) then return end
    local next = limit < slow and math.min(slow, limit * GROWTH) or limit + math.max(1, math.sqrt(limit))
    learned.l_limit = math.max(limit, math.min(most_now(learned, now), next))
  end

  local function hold(learned, now, rise, latency)
    learned.l_held_at = learned.l_held_at or now
    local held_for = now - learned.l_held_at
    if rise <= FALL_RISE and held_for < math.max(HOLD_MS, HOLD_LATENCIES * latency) then return end
    learned.l_slow = learned.l_limit / 2
    fall(learned, now, FALL_SHARE)
    learned.l_base, learned.l_now = nil, nil
  end

  local function end_round(learned, now)
    local mean, latency = learned.l_ms / learned.l_units, learned.l_ms / learned.l_n
    learned.l_base, learned.l_now = learned.l_base or mean, ((learned.l_now or mean) + mean) / 2
    local rise = learned.l_now / learned.l_base
    if rise > HOLD_RISE and latency * (1 - 1 / rise) > GAP_MS then
      hold(learned, now, rise, latency)
    else
      learned.l_base = math.min(learned.l_base, 0.9 * learned.l_base + 0.1 * mean)
      grow(learned, now)
    end
    begin_round(learned, now)
  end

  -- Feeds it with how a call went: a latency, or that the target had too much to do. Returns whether it has grown.
  function feed_learned(use, now, call)
    if not (call.good or call.overloaded) then return false end
    local learned = read_learned(use)
    if not learned or now - call.latency < (learned.l_back_at or 0) then return false end
    local before, in_flight = math.floor(learned.l_limit), number(redis.call('HGET', use, 'c'), 0) + 1
    if not learned.l_since then begin_round(learned, now) end
    if call.overloaded then
      if in_flight < USED_HALF * learned.l_limit then return false end
      learned.l_top, learned.l_top_at = math.min(learned.l_limit, in_flight), now
      fall(learned, now, SHRINK)
      learned.l_slow = learned.l_limit
    else
      learned.l_n, learned.l_ms = learned.l_n + 1, learned.l_ms + call.latency
      learned.l_units = learned.l_units + call.output + UNITS
      learned.l_peak = math.max(learned.l_peak, in_flight)
      local enough = math.min(ROUND_MOST, math.max(ROUND_LEAST, before))
      if learned.l_n >= enough and now - learned.l_since >= learned.l_ms / learned.l_n then end_round(learned, now) end
    end
    keep_learned(use, learned)
    return math.floor(learned.l_limit) > before
  end
end

-- How many calls may be under way at once in a scope, -1 for as many as come: as stated, or as learned where nothing
-- is, and less while a target starts slowly.
local function places_of(more, breaker, now, limit)
  local places = limit >= 0 and limit or more.learned
  local slow = slow_start_places(breaker, now, limit)
  if not slow then return places end
  return places >= 0 and math.min(places, slow) or slow
end
