-- Whose turn it is among the tenants that wait for the same room: put after common.lua and before waiters.lua.
--
-- Each tenant has a counter: the tokens it was given while someone waited, divided by its weight (Virtual Token Counter:
-- Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024). Of the tenants that are at most a slack ahead of
-- the one furthest behind, the job with the earliest effective deadline goes first. A tenant that comes is lifted to the
-- virtual time, as in start-time fair queueing, so that share which it did not use is not kept for it; one that was just
-- here to a slack below it, or else a tenant whose jobs come one at a time would be overtaken by a slack each time.
--
-- State, beside the use of a scope (a target or a tenant):
--   :waiters:<tenant> (zset) waiters of one tenant: "job id|model" scored by effective deadline; of two with the same
--                      one the older job is first
--   :waiting (zset)    tenants that have waiters, scored by counter
--   :left (zset)       tenants that have none just now, scored by counter, down to a slack below the virtual time
--   field 'vtime' of the use: the virtual time, which is the least counter that anyone waited with
-- While nobody waits nothing is counted. In the scope of a tenant nobody else ever waits, so nothing is counted either.

local KEPT_SECONDS = 3600
-- How many tenants are compared for one turn: those furthest behind.
local COMPARED = 16
local PAGE = 8
local MOST_SERVED = 64
-- Waiters that are looked at in one step, those included that turn out to be gone.
local MOST_LOOKS = 256

local function waiters_of(use, tenant) return use .. ':waiters:' .. tenant end
local function waiting_of(use) return use .. ':waiting' end
local function left_of(use) return use .. ':left' end

-- How far a deadline may bring one tenant ahead of another: one second of the token limit, or one usual call.
local function slack_of(limits, sums)
  local a_minute = limits.t >= 0 and limits.t or math.max(0, limits.i) + math.max(0, limits.o)
  local usual = sums.r > 0 and sums.t / sums.r or 0
  return math.max(a_minute / 60, usual)
end

local function keep_left(use, tenant, counter)
  if counter <= 0 then return end
  redis.call('ZADD', left_of(use), counter, tenant)
  redis.call('EXPIRE', left_of(use), KEPT_SECONDS)
end

-- The virtual time as of now; it is `least` when anyone waits.
local function floor_of(scope, least)
  return math.max(scope.vtime, number(least, 0))
end

-- The same, nil when nobody waits.
local function floor_of_waiting(scope)
  local first = redis.call('ZRANGE', waiting_of(scope.use), 0, 0, 'WITHSCORES')
  return first[2] and floor_of(scope, first[2])
end

-- The counter of a tenant that has no waiters.
local function lifted(scope, turn, floor)
  local counter = redis.call('ZSCORE', left_of(scope.use), turn.tenant)
  if not counter then return floor end
  return math.max(tonumber(counter), floor - slack_of(scope.limits, scope.sums) / turn.weight)
end

-- `counter` is the tenant's own if it waited until this very step: one that only moves in its queue is not lifted.
local function join_queue(scope, turn, counter)
  local use, tenant = scope.use, turn.tenant
  if not counter then
    counter = lifted(scope, turn, floor_of_waiting(scope) or scope.vtime)
  end
  redis.call('ZADD', waiters_of(use, tenant), turn.urgency, turn.member)
  redis.call('EXPIRE', waiters_of(use, tenant), KEPT_SECONDS)
  if redis.call('ZADD', waiting_of(use), 'NX', counter, tenant) == 1 then
    redis.call('ZREM', left_of(use), tenant)
  end
  redis.call('EXPIRE', waiting_of(use), KEPT_SECONDS)
end

-- Ends the waiting of a tenant whose last waiter has gone.
local function retire(use, tenant)
  local counter = redis.call('ZSCORE', waiting_of(use), tenant)
  if not counter then return end
  redis.call('ZREM', waiting_of(use), tenant)
  keep_left(use, tenant, tonumber(counter))
end

local function leave_queue(use, tenant, member)
  local key = waiters_of(use, tenant)
  redis.call('ZREM', key, member)
  if redis.call('EXISTS', key) == 0 then retire(use, tenant) end
end

-- Counts what a tenant is given while someone waits; `floor` was the virtual time when its turn came.
local function charge(scope, floor, turn, tokens)
  local use, cost = scope.use, tokens / turn.weight
  if not redis.call('ZADD', waiting_of(use), 'XX', 'INCR', cost, turn.tenant) then
    keep_left(use, turn.tenant, lifted(scope, turn, floor) + cost)
  end
  redis.call('HSET', use, 'vtime', floor)
  redis.call('ZREMRANGEBYSCORE', left_of(use), '-inf', floor - slack_of(scope.limits, scope.sums))
end

-- Corrects the counter by what a reservation took in truth; it was charged only if its record names the tenant.
local function recharge(record, tokens)
  local tenant = record[6]
  if tenant == '' or tokens == 0 then return end
  local use, by = scopes_of(record)[1][1], tokens / record[7]
  if redis.call('ZADD', waiting_of(use), 'XX', 'INCR', by, tenant) then return end
  redis.call('ZADD', left_of(use), 'XX', 'INCR', by, tenant)
end

local function is_before(urgency, member, other)
  return urgency < other.urgency or (urgency == other.urgency and member < other.member)
end

-- The next waiter of a tenant that still waits, or the job that asks when it is its turn within its tenant.
local function next_head(order, queue)
  local asker = order.turn and order.turn.tenant == queue.tenant and order.turn or nil
  while order.looks > 0 do
    if queue.at > #queue.page and not queue.ended then
      local key = waiters_of(order.use, queue.tenant)
      queue.page = redis.call('ZRANGE', key, queue.kept, queue.kept + PAGE - 1, 'WITHSCORES')
      queue.at, queue.ended = 1, #queue.page < 2 * PAGE
    end
    local member, urgency = queue.page[queue.at], tonumber(queue.page[queue.at + 1])
    if asker and not (member and is_before(urgency, member, asker)) then return asker end
    if not member then return nil end
    order.looks = order.looks - 1
    queue.at = queue.at + 2
    local head = order.read(queue.tenant, member)
    if head then
      head.member, head.urgency = member, urgency
      queue.kept = queue.kept + 1
      return head
    end
  end
end

local function open_queue(order, tenant, counter)
  local queue = { tenant = tenant, counter = counter, kept = 0, page = {}, at = 1, ended = false }
  queue.head = next_head(order, queue)
  if queue.head then
    order.queues[#order.queues + 1] = queue
  elseif order.looks > 0 then
    retire(order.use, tenant)
  end
end

-- Opens the queues of tenants until as many as are compared are at most as far ahead as the next one.
local function open_queues(order)
  while order.at < #order.tenants do
    local tenant, counter = order.tenants[order.at], tonumber(order.tenants[order.at + 1])
    local behind = 0
    for _, queue in ipairs(order.queues) do
      if queue.head and queue.counter <= counter then behind = behind + 1 end
    end
    if behind >= COMPARED or order.looks == 0 then return end
    order.at = order.at + 2
    if not (order.turn and tenant == order.turn.tenant) then open_queue(order, tenant, counter) end
  end
end

-- The order of those who wait in a scope, and of the job that asks if there is one; nil when nobody waits.
-- `read(tenant, member)` gives a waiter's {input, output, weight, record}, nil when it turns out not to wait any more.
local function open_order(scope, turn, read)
  local use = scope.use
  local tenants = redis.call('ZRANGE', waiting_of(use), 0, MOST_SERVED + COMPARED - 1, 'WITHSCORES')
  if #tenants == 0 then return nil end
  local floor = floor_of(scope, tenants[2])
  local order = { use = use, turn = turn, read = read, tenants = tenants, at = 1, looks = MOST_LOOKS, queues = {},
    slack = slack_of(scope.limits, scope.sums), floor = floor }
  if turn then
    local counter = redis.call('ZSCORE', waiting_of(use), turn.tenant)
    open_queue(order, turn.tenant, counter and tonumber(counter) or lifted(scope, turn, floor))
  end
  return order
end

-- The queue whose head goes next, nil when there is none (any more). One that is held takes no turn, but nobody gets
-- further ahead of it than a slack.
local function next_queue(order)
  open_queues(order)
  local least = math.huge
  for _, queue in ipairs(order.queues) do
    if queue.head then least = math.min(least, queue.counter) end
  end
  local best
  for _, queue in ipairs(order.queues) do
    local head = queue.head
    if head and not queue.held and (queue.counter - least) * head.weight <= order.slack
      and not (best and is_before(best.head.urgency, best.head.member, head)) then
      best = queue
    end
  end
  return best
end

-- Serves the head of a queue on paper.
local function pass(order, queue, tokens)
  queue.counter = queue.counter + tokens / queue.head.weight
  queue.head = next_head(order, queue)
end
