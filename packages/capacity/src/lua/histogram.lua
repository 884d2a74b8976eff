-- Times of good calls by minute, in the health hash of a target; put before the scripts that fill or read them. `l`: the
-- latency, `t`: until the first part of a streamed answer.
--   l<p>    the minute that half p (0 or 1: minutes alternate) holds
--   l<p>:<k> its calls with a time of at least 10 ms * 2^(k/4), and less than that of k + 1

-- and what the calls of a day cost:
--   m<day>  micro-USD since midnight UTC, days since 1970

local MINUTE_MS = 60000
local DAY_MS = 86400000

local function spend_field(now)
  return string.format('m%.0f', math.floor(now / DAY_MS))
end

local function count_spend(health, now, micro_usd)
  if micro_usd <= 0 then return end
  redis.call('HINCRBY', health, spend_field(now), string.format('%.0f', micro_usd))
  redis.call('HDEL', health, spend_field(now - DAY_MS))
end
local LAST_BUCKET = 72

local function count_time(health, now, name, ms)
  local minute = math.floor(now / MINUTE_MS)
  local half = name .. minute % 2
  if number(redis.call('HGET', health, half), -1) ~= minute then
    local gone = { half }
    for k = 0, LAST_BUCKET do gone[#gone + 1] = half .. ':' .. k end
    redis.call('HDEL', health, unpack(gone))
    redis.call('HSET', health, half, minute)
  end
  local k = ms < 10 and 0 or math.floor(math.log(ms / 10) / math.log(2) * 4)
  redis.call('HINCRBY', health, half .. ':' .. math.min(LAST_BUCKET, k), 1)
end

-- The calls of this and the last minute as flat lists of bucket and count: by latency, by time to the first part.
local function read_times(health, now)
  local minute = math.floor(now / MINUTE_MS)
  local all, fields = redis.call('HGETALL', health), {}
  for n = 1, #all, 2 do fields[all[n]] = all[n + 1] end
  local function read(name)
    local found = {}
    for k = 0, LAST_BUCKET do
      local count = 0
      for p = 0, 1 do
        if number(fields[name .. p], -1) >= minute - 1 then count = count + number(fields[name .. p .. ':' .. k], 0) end
      end
      if count > 0 then
        found[#found + 1] = k
        found[#found + 1] = count
      end
    end
    return found
  end
  return read('l'), read('t')
end
