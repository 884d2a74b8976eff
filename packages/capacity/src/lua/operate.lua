-- Takes over what an operator has said of a target, unless something later is known.
-- KEYS: target use
-- ARGV: state ('active', 'paused' or 'draining'), when it was said (ms), weight or ''
-- Returns 1, or 0 when something later was known.
local use, state, said_at, weight = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3]
if number(redis.call('HGET', use, 'op_at'), 0) > said_at then return 0 end
redis.call('HSET', use, 'op_at', ARGV[2])
if state == 'active' then
  redis.call('HDEL', use, 'op_state')
else
  redis.call('HSET', use, 'op_state', state)
end
if weight == '' then
  redis.call('HDEL', use, 'op_weight')
else
  redis.call('HSET', use, 'op_weight', weight)
end
return 1
