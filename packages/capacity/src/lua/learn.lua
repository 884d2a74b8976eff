-- Takes over what an upstream says is left, when that is less than we think: others use the same key.
-- The difference counts until the upstream's own reset. More than we think changes nothing: calls in flight that the
-- upstream has not seen yet are ours to count.
-- While what counts is not known it says nothing: the rebuild counts the same calls.
-- KEYS: target use, target log, warm
-- ARGV: now or '', unique id, then for requests and for tokens: our limit or -1, what the upstream says is left,
--       ms until it is full again or '', what we had left when the call was granted or ''
-- Returns {requests corrected, tokens corrected}.
if redis.call('EXISTS', KEYS[3]) == 0 then return { 0, 0 } end
local use, log = unpack(KEYS)
local now = read_now(ARGV[1])
prune(use, log, now)
local f = redis.call('HMGET', use, 'r', 'i', 'o', 'x')
local used = { number(f[1], 0), number(f[2], 0) + number(f[3], 0) + number(f[4], 0) }
local fields = { 'r', 'x' }
local corrected = { 0, 0 }
for n = 1, 2 do
  local at = 3 + (n - 1) * 4
  local limit, remaining = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  if limit >= 0 then
    local left = limit - used[n]
    if ARGV[at + 3] ~= '' then left = math.min(left, tonumber(ARGV[at + 3])) end
    local reset = ARGV[at + 2] == '' and WINDOW_MS or tonumber(ARGV[at + 2])
    local difference = math.floor(left - remaining)
    if difference > 0 and reset > 0 then
      corrected[n] = difference
      add(use, fields[n], difference)
      local r, x = n == 1 and difference or 0, n == 2 and difference or 0
      redis.call('ZADD', log, now + math.min(WINDOW_MS, reset), entry_of(ARGV[2] .. fields[n], r, 0, 0, x))
    end
  end
end
return corrected
