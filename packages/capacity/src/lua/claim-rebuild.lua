-- Asks to rebuild the state after a loss of Redis. It is warm while `warm` holds its generation; while that is missing
-- it is cold, and `cold` says since when this is known and who rebuilds. The first second is waited for: calls that
-- were granted before the loss may only now be committed to the ledger.
-- KEYS: warm, cold, owners
-- ARGV: now or '', token of this rebuild, ms from noticing the cold to the earliest rebuild or '' to prolong a claim
--       that is held, ms that a claim lasts
-- Returns {1} when it is warm, {0, ms until it makes sense to ask again}, or {2} when the caller is to rebuild.
local warm, cold, owners = unpack(KEYS)
local now, token = read_now(ARGV[1]), ARGV[2]
if redis.call('EXISTS', warm) == 1 then return { 1 } end
if redis.call('EXISTS', owners) == 1 then
  -- Nothing is granted while it is cold: this is the state of a version that knows no generations, and it is whole.
  redis.call('DEL', cold)
  redis.call('SET', warm, token)
  return { 1 }
end
local f = redis.call('HMGET', cold, 'since', 'token', 'until')
local since, claimed_until = number(f[1], now), number(f[3], 0)
redis.call('HSET', cold, 'since', since)
-- What was read before another loss must not be put in place after it.
if ARGV[3] == '' and f[2] ~= token then return { 0, 0 } end
if f[2] and f[2] ~= token and claimed_until > now then return { 0, claimed_until - now } end
local earliest = since + (tonumber(ARGV[3]) or 0)
if earliest > now then return { 0, earliest - now } end
redis.call('HSET', cold, 'token', token, 'until', now + tonumber(ARGV[4]))
return { 2 }
