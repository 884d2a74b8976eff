-- Tells where a queue holds each of some ids.
-- KEYS: 1 active list, 2 prioritized zset, 3 delayed zset, 4 wait list
-- ARGV: 1 prefix of job hashes, 2… ids
-- Returns for each id one of: none, waiting, delayed, locked (a worker works on it),
--   unlocked (counts as active, but its worker let the lock lapse), ended (completed or failed),
--   stray (its hash is there, but nothing leads to it)
local function members(key)
  local set = {}
  for _, id in ipairs(redis.call("LRANGE", key, 0, -1)) do set[id] = true end
  return set
end

-- Which of the ids a sorted set holds, one page of them a command: Lua's stack takes no more arguments.
local PAGE = 1000
local function held(key)
  local set = {}
  for first = 2, #ARGV, PAGE do
    local scores = redis.call("ZMSCORE", key, unpack(ARGV, first, math.min(first + PAGE - 1, #ARGV)))
    for place, score in ipairs(scores) do set[ARGV[first + place - 1]] = score end
  end
  return set
end

local active, prioritized, delayed = members(KEYS[1]), held(KEYS[2]), held(KEYS[3])
local wait

local states = {}
for index = 2, #ARGV do
  local id = ARGV[index]
  local job = ARGV[1] .. id
  local state = "none"
  if active[id] then
    state = redis.call("EXISTS", job .. ":lock") == 1 and "locked" or "unlocked"
  elseif prioritized[id] then
    state = "waiting"
  elseif delayed[id] then
    state = "delayed"
  elseif redis.call("HEXISTS", job, "finishedOn") == 1 then
    state = "ended"
  elseif redis.call("EXISTS", job) == 1 then
    -- Queues without priorities wait in a list, which may be long: it is read only when it is needed.
    wait = wait or members(KEYS[4])
    state = wait[id] and "waiting" or "stray"
  end
  states[index - 1] = state
end
return states
