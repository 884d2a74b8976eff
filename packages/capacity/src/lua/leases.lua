-- Put after budgets.lua and before the scripts that look at what is held.

-- Takes back the reservations of owners whose lease is over. They may have sent until then.
local function sweep(owners, now)
  local dead = redis.call('ZRANGEBYSCORE', owners, '-inf', now, 'WITHSCORES', 'LIMIT', 0, 8)
  for n = 1, #dead, 2 do
    local held, ended_at = dead[n], tonumber(dead[n + 1])
    local entries = redis.call('HGETALL', held)
    for e = 1, #entries, 2 do
      local record = cmsgpack.unpack(entries[e + 1])
      age(entries[e], record, ended_at + SEND_MARGIN_MS)
      -- It may have been charged for: its worst case stays spent.
      settle_budgets(record, now, record[5])
    end
    redis.call('DEL', held)
    redis.call('ZREM', owners, held)
  end
end

-- What is left of something after `elapsed` ms, with a time constant of 30 s. Its upper 26 bits (Dekker's split):
-- below them one machine's exp differs from another's, and all must come to the same answers.
local function fade_after(elapsed)
  local fade = math.exp(-math.max(0, elapsed) / 30000)
  local high = fade * 134217729
  return high - (high - fade)
end
