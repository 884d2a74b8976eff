-- Ends a reservation whose request was never sent: it counts for nothing.
-- KEYS: held of the owner, parked
-- ARGV: now or '', reservation id, opening of the breaker that it was to probe or 0
-- Returns the members of waiters that have room now; nothing changes when the reservation is not known (any more).
local now = read_now(ARGV[1])
local packed = redis.call('HGET', KEYS[1], ARGV[2])
if not packed then return {} end
redis.call('HDEL', KEYS[1], ARGV[2])
local record = cmsgpack.unpack(packed)
drop_probe(record[9][1], tonumber(ARGV[3]))
settle_budgets(record, now, 0)
recharge(record, -record[2] - record[3])
for _, scope in ipairs(scopes_of(record)) do
  add(scope[1], 'r', -1)
  add(scope[1], 'i', -record[2])
  add(scope[1], 'o', -record[3])
  add(scope[1], 'c', -1)
  add(scope[1], 'ct', -record[2] - record[3])
  correct_pace(scope, -1, -record[2], -record[3])
  add_day(scope[3], record[1], now, -record[2] - record[3], -record[5])
end
return waiters_with_room(KEYS[2], record, now)
