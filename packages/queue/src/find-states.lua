-- Tells where a queue holds each of some ids.
-- KEYS: 1 active list, 2 prioritized zset, 3 delayed zset
-- ARGV: 1 prefix of job hashes, 2… ids
-- Returns for each id one of: none, waiting, delayed, locked (a worker works on it),
--   unlocked (counts as active, but its worker let the lock lapse), ended (completed or failed)
local active = {}
for _, id in ipairs(redis.call("LRANGE", KEYS[1], 0, -1)) do active[id] = true end

local states = {}
for index = 2, #ARGV do
  local id = ARGV[index]
  local job = ARGV[1] .. id
  local state = "none"
  if active[id] then
    state = redis.call("EXISTS", job .. ":lock") == 1 and "locked" or "unlocked"
  elseif redis.call("ZSCORE", KEYS[2], id) then
    state = "waiting"
  elseif redis.call("ZSCORE", KEYS[3], id) then
    state = "delayed"
  elseif redis.call("HEXISTS", job, "finishedOn") == 1 then
    state = "ended"
  elseif redis.call("EXISTS", job) == 1 then
    -- A queue without priorities keeps waiting ids in a list, which may be too long to search.
    state = "waiting"
  end
  states[index - 1] = state
end
return states
