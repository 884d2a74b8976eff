-- Money budgets that a call is held against beside limits, such as those of an API key or of a batch: put after
-- common.lua.
--
-- State, a hash per budget:
--   window 'day'    "m<hour>": micro-USD by hour, as daily limits are kept
--   window 'total'  m: micro-USD spent and held, h: held of that by calls under way
-- A budget that is not known (any more) begins at what the caller says was spent of it; who does not say it is told.

local BUDGET_SECONDS = 604800

-- Budgets as the script is told of them: key, name for refusals, micro-USD, window, micro-USD spent or ''.
local function budgets_from(place)
  local budgets = {}
  for n = place, #ARGV, 5 do
    budgets[#budgets + 1] = {
      key = ARGV[n], name = ARGV[n + 1], limit = tonumber(ARGV[n + 2]), window = ARGV[n + 3], spent = ARGV[n + 4],
    }
  end
  return budgets
end

-- Whether the counter is there, by now.
local function begin_budget(budget, now)
  if redis.call('EXISTS', budget.key) == 1 then return true end
  if budget.spent == '' then return false end
  local hour = string.format('m%.0f', math.floor(now / HOUR_MS))
  redis.call('HSET', budget.key, budget.window == 'total' and 'm' or hour, budget.spent)
  redis.call('EXPIRE', budget.key, BUDGET_SECONDS)
  return true
end

-- What of a total is left for a call: now, and once all calls under way turn out to cost nothing.
local function left_of_total(budget)
  local f = redis.call('HMGET', budget.key, 'm', 'h')
  local left = budget.limit - number(f[1], 0)
  return left, left + number(f[2], 0)
end

local function hold_budgets(budgets, now, micro_usd)
  local held = {}
  for n, budget in ipairs(budgets) do
    if budget.window == 'total' then
      add(budget.key, 'm', micro_usd)
      add(budget.key, 'h', micro_usd)
    else
      add_day(budget.key, now, now, 0, micro_usd)
    end
    redis.call('EXPIRE', budget.key, BUDGET_SECONDS)
    held[n] = { budget.key, budget.window }
  end
  return held
end

-- Lets what a record holds of budgets be spent as far as the call cost it.
local function settle_budgets(record, now, micro_usd)
  for _, held in ipairs(record[8]) do
    local key, window = held[1], held[2]
    if window == 'day' then
      add_day(key, record[1], now, 0, micro_usd - record[5])
    else
      add(key, 'm', micro_usd - record[5])
      add(key, 'h', -record[5])
    end
  end
end
