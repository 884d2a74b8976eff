-- The breaker of a target: put before the scripts that ask it or feed it, after common.lua.
--
-- State, in the use hash of the target:
--   b_state    'open' from opening to closing; half-open is an open one whose b_until has passed
--   b_until    until when nothing is let through; also names the opening, for its probes
--   b_opens    how many times in a row it has opened without a whole slow start in between
--   b_base     calls in flight when it opened: what slow start climbs to where no concurrency is stated
--   b_probe_at when the running probe was granted
--   b_asked    when the first urgent job asked for a probe
--   b_closed   when a probe closed it; slow start counts from here
--   b_fails    connection failures in a row
--   b_row      failures of any kind in a row
--   b_silent   since when calls are under way and none has ended: the last ending, or the first call after it
--   b_retry    until when the upstream has asked to be left alone
-- and in its health hash, for closed breakers: b<n> = "bucket|good|failed" of the last 30 s.

local BUCKET_MS = 5000
local BUCKETS = 6
local LEAST_CALLS = 10
local OPEN_SHARE = 0.5
local CONNECTION_FAILURES = 5
-- A target that fails at once draws many calls while the good ones of the last 30 s still outweigh its failures.
local FAILURES_IN_A_ROW = 15
local SHORTEST_OPEN_MS = 5000
local LONGEST_OPEN_MS = 60000
local SLOW_START_MS = 30000
local SLOW_START_SHARE = 0.1
-- Where no concurrency is stated and few calls were in flight, slow start climbs to at least this.
local LEAST_BASE = 10
-- An urgent job probes only when no other has come for so long.
local PATIENCE_MS = 1000
-- Whoever asks while a probe is under way asks again after this.
local PROBE_WAIT_MS = 500
-- A probe that has not said how it went after this long keeps no other from trying.
local PROBE_MS = 15000

-- A target that holds calls without ending any has failed, whatever it says later. Fewer calls may just be long ones.
local SILENT_CALLS = 3
local SILENT_MS = 5000
local SILENT_LATENCIES = 5
-- For a target that has never answered, and so has no usual latency.
local SILENT_COLD_MS = 60000

local function read_breaker(use, now)
  local f = redis.call('HMGET', use, 'b_state', 'b_until', 'b_opens', 'b_base', 'b_probe_at', 'b_asked', 'b_closed',
    'b_fails', 'b_retry', 'op_state', 'b_silent', 'b_row')
  local breaker = {
    until_at = tonumber(f[2] or '0'), opens = tonumber(f[3] or '0'), base = tonumber(f[4] or '0'),
    probe_at = tonumber(f[5] or nil), asked_at = tonumber(f[6] or nil), closed_at = tonumber(f[7] or nil),
    fails = tonumber(f[8] or '0'), retry_at = tonumber(f[9] or '0'), phase = 'closed',
    operated = f[10], silent_since = tonumber(f[11] or nil),
    row = tonumber(f[12] or '0'),
  }
  if f[1] == 'open' then breaker.phase = now < breaker.until_at and 'open' or 'half-open' end
  return breaker
end

-- For how many ms a call must wait for the breaker, nil when it need not. Half-open: one probe at a time, and jobs
-- with time on their hands first.
local function breaker_wait(use, breaker, now, calm)
  if breaker.phase == 'closed' then return nil end
  if breaker.phase == 'open' then return breaker.until_at - now end
  if breaker.probe_at and now < breaker.probe_at + PROBE_MS then return PROBE_WAIT_MS end
  if calm then return nil end
  if not breaker.asked_at then
    redis.call('HSET', use, 'b_asked', now)
    return PATIENCE_MS
  end
  local left = breaker.asked_at + PATIENCE_MS - now
  return left > 0 and left or nil
end

-- Makes a granted call the probe of a half-open breaker. Returns the name of the opening, 0 for any other call.
local function take_probe(use, breaker, now)
  if breaker.phase ~= 'half-open' then return 0 end
  redis.call('HSET', use, 'b_probe_at', now)
  redis.call('HDEL', use, 'b_asked')
  return breaker.until_at
end

-- Ends a probe without an answer.
local function drop_probe(use, probe)
  if probe ~= 0 and number(redis.call('HGET', use, 'b_until'), 0) == probe then
    redis.call('HDEL', use, 'b_probe_at')
  end
end

-- How many calls slow start allows at once, nil when it is over. `limit` is the stated concurrency or -1.
local function slow_start_places(breaker, now, limit)
  if breaker.phase ~= 'closed' or not breaker.closed_at then return nil end
  local elapsed = now - breaker.closed_at
  if elapsed >= SLOW_START_MS then return nil end
  local base = limit >= 0 and limit or math.max(LEAST_BASE, breaker.base)
  local ramp = SLOW_START_SHARE + (1 - SLOW_START_SHARE) * elapsed / SLOW_START_MS
  return math.max(1, math.floor(base * ramp))
end

local function forget_counts(use, health)
  for n = 0, BUCKETS - 1 do redis.call('HDEL', health, 'b' .. n) end
  redis.call('HDEL', use, 'b_probe_at', 'b_asked', 'b_fails', 'b_silent', 'b_row')
end

local function open_breaker(use, health, breaker, now)
  local slow = breaker.closed_at and now < breaker.closed_at + SLOW_START_MS
  local again = breaker.phase == 'half-open' or slow
  local opens = again and breaker.opens + 1 or 1
  local open_ms = math.min(LONGEST_OPEN_MS, SHORTEST_OPEN_MS * 2 ^ (opens - 1))
  local base = again and breaker.base or number(redis.call('HGET', use, 'c'), 0)
  forget_counts(use, health)
  redis.call('HSET', use, 'b_state', 'open', 'b_until', string.format('%.0f', math.max(now + open_ms, breaker.retry_at)),
    'b_opens', opens, 'b_base', base)
end

-- Opens a closed breaker whose target has been silent for too long. `latency` is its usual one, nil when unknown.
local function open_if_silent(use, health, breaker, now, in_flight, latency)
  if breaker.phase ~= 'closed' or in_flight < SILENT_CALLS or not breaker.silent_since then return false end
  local patience = latency and math.max(SILENT_MS, SILENT_LATENCIES * latency) or SILENT_COLD_MS
  if now - breaker.silent_since <= patience then return false end
  open_breaker(use, health, breaker, now)
  return true
end

-- Notes that a call was granted while `in_flight` were under way.
local function note_call(use, breaker, now, in_flight)
  if in_flight == 0 or not breaker.silent_since then redis.call('HSET', use, 'b_silent', now) end
end

-- Notes that a call has ended.
local function note_ending(use, now)
  if number(redis.call('HGET', use, 'c'), 0) > 0 then
    redis.call('HSET', use, 'b_silent', now)
  else
    redis.call('HDEL', use, 'b_silent')
  end
end

local function close_breaker(use, health, now)
  forget_counts(use, health)
  redis.call('HDEL', use, 'b_state', 'b_until', 'b_retry')
  redis.call('HSET', use, 'b_closed', now)
end

-- Counts one call and says whether too many of the last 30 s have failed.
local function count_call(health, now, failed)
  local current = math.floor(now / BUCKET_MS)
  local good_calls, failed_calls = 0, 0
  for n = 0, BUCKETS - 1 do
    local name = 'b' .. n
    local bucket, good, bad = string.match(redis.call('HGET', health, name) or '', '^(%d+)|(%d+)|(%d+)$')
    bucket, good, bad = tonumber(bucket or '0'), tonumber(good or '0'), tonumber(bad or '0')
    if n == current % BUCKETS then
      if bucket ~= current then good, bad = 0, 0 end
      good, bad = good + (failed and 0 or 1), bad + (failed and 1 or 0)
      redis.call('HSET', health, name, string.format('%.0f|%d|%d', current, good, bad))
    elseif bucket <= current - BUCKETS then
      good, bad = 0, 0
    end
    good_calls, failed_calls = good_calls + good, failed_calls + bad
  end
  local calls = good_calls + failed_calls
  return calls >= LEAST_CALLS and failed_calls >= OPEN_SHARE * calls
end

-- Feeds the breaker with how a call went: 'good', 'failing', 'unreachable', or '' for a call that says nothing.
local function feed_breaker(use, health, now, verdict, probe, retry_ms)
  note_ending(use, now)
  local breaker = read_breaker(use, now)
  local failed = verdict == 'failing' or verdict == 'unreachable'
  if failed and retry_ms > 0 then
    breaker.retry_at = math.max(breaker.retry_at, now + math.min(retry_ms, LONGEST_OPEN_MS))
    redis.call('HSET', use, 'b_retry', string.format('%.0f', breaker.retry_at))
  end
  if breaker.phase ~= 'closed' then
    -- Calls from before the opening say nothing new.
    if probe == 0 or probe ~= breaker.until_at then return end
    if failed then return open_breaker(use, health, breaker, now) end
    if verdict == 'good' then return close_breaker(use, health, now) end
    return drop_probe(use, probe)
  end
  if verdict == '' then return end
  local fails = verdict == 'unreachable' and breaker.fails + 1 or 0
  if fails ~= breaker.fails then redis.call('HSET', use, 'b_fails', fails) end
  local row = failed and breaker.row + 1 or 0
  if row ~= breaker.row then redis.call('HSET', use, 'b_row', row) end
  local too_many = count_call(health, now, failed)
  if too_many or fails >= CONNECTION_FAILURES or row >= FAILURES_IN_A_ROW then open_breaker(use, health, breaker, now) end
end
