-- Put before every script of this folder.
--
-- State, all under one hash tag:
--   use (hash)   per target and per tenant: sums over everything that counts now
--                r requests, i input tokens, o output tokens, x tokens taken by others, c calls in flight,
--                ct tokens reserved for them
--   log (zset)   per target and per tenant: settled entries "id|r|i|o|x" scored by when they leave the window (ms)
--   day (hash)   per target and per tenant with a daily limit: tokens and micro-USD by hour, "t<hour>" and "m<hour>"
--   held (hash)  per owner: reservation id -> packed record of what it holds, and of whom
--   owners (zset) the held hashes, scored by when the owner's lease ends (ms)
-- A reservation is in the sums from grant to settle, and from settle until its log entry leaves the window.

local WINDOW_MS = 60000
-- An upstream counts a call some time after it was sent; an entry ages from then.
local SEND_MARGIN_MS = 750

-- Milliseconds of the server's clock; tests may give their own.
local function read_now(given)
  if given ~= '' then return tonumber(given) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function entry_of(id, r, i, o, x)
  return string.format('%s|%.0f|%.0f|%.0f|%.0f', id, r, i, o, x)
end

local function amounts_of(entry)
  local r, i, o, x = string.match(entry, '|(%d+)|(%d+)|(%d+)|(%d+)$')
  return tonumber(r), tonumber(i), tonumber(o), tonumber(x)
end

local function add(use, field, amount)
  if amount ~= 0 then redis.call('HINCRBY', use, field, string.format('%.0f', amount)) end
end

-- Takes what has left the window out of the sums. Each entry is read once in its life.
local function prune(use, log, now)
  while true do
    local gone = redis.call('ZRANGEBYSCORE', log, '-inf', now, 'LIMIT', 0, 500)
    if #gone == 0 then return end
    local r, i, o, x = 0, 0, 0, 0
    for _, entry in ipairs(gone) do
      local er, ei, eo, ex = amounts_of(entry)
      r, i, o, x = r + er, i + ei, o + eo, x + ex
    end
    redis.call('ZREMRANGEBYRANK', log, 0, #gone - 1)
    add(use, 'r', -r)
    add(use, 'i', -i)
    add(use, 'o', -o)
    add(use, 'x', -x)
  end
end

-- A record of what one reservation holds:
-- {reserved at, input, output, input before correction, micro-USD, tenant whose counter was charged or '', its weight,
-- budgets as {key, window}, scope of the target, scope of the tenant or nil}; a scope is {use, log, day or '',
-- limits a minute as {requests, tokens, input, output}}.
local function scopes_of(record)
  return { record[9], record[10] }
end

-- Ends a record's place among the calls in flight and lets its entry age from `counted_at`.
local function age(id, record, counted_at)
  for _, scope in ipairs(scopes_of(record)) do
    add(scope[1], 'c', -1)
    add(scope[1], 'ct', -record[2] - record[3])
    redis.call('ZADD', scope[2], counted_at + WINDOW_MS, entry_of(id, 1, record[2], record[3], 0))
  end
end

local HOUR_MS = 3600000
local DAY_HOURS = 24

-- The hours that still count: the last 24 and the one that runs, so no 24 h ever hold more than the sum.
local function first_hour(now)
  return math.floor(now / HOUR_MS) - DAY_HOURS
end

-- Changes what a record took of a daily limit, in the hour of its reservation.
local function add_day(day, reserved_at, now, tokens, micro_usd)
  local hour = math.floor(reserved_at / HOUR_MS)
  if day == '' or hour < first_hour(now) then return end
  add(day, string.format('t%.0f', hour), tokens)
  add(day, string.format('m%.0f', hour), micro_usd)
end

local function append(list, more)
  for _, item in ipairs(more) do list[#list + 1] = item end
  return list
end

local function number(value, default)
  return tonumber(value or default) or default
end

local function append(list, more)
  for _, item in ipairs(more) do list[#list + 1] = item end
  return list
end
