-- Finds ids that count as active although no worker holds their lock.
-- KEYS: 1 active list
-- ARGV: 1 prefix of job hashes
-- Returns the ids
local unlocked = {}
for _, id in ipairs(redis.call("LRANGE", KEYS[1], 0, -1)) do
  if redis.call("EXISTS", ARGV[1] .. id .. ":lock") == 0 then unlocked[#unlocked + 1] = id end
end
return unlocked
