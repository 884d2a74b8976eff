-- Pauses a target, or ends its pause when the moment has passed. A pause never shortens a longer one.
-- KEYS: target use
-- ARGV: now or '', ms from now (0 or less ends a pause), reason
-- Returns the moment of the server's clock until which the target is paused, 0 for not.
local now = read_now(ARGV[1])
local until_at = now + tonumber(ARGV[2])
if until_at <= now then
  redis.call('HDEL', KEYS[1], 'paused_until', 'pause_reason')
  return 0
end
local current = number(redis.call('HGET', KEYS[1], 'paused_until'), 0)
if current >= until_at then return current end
redis.call('HSET', KEYS[1], 'paused_until', until_at, 'pause_reason', ARGV[3])
return until_at
