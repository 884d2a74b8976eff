-- Lengthens the lease of one owner on all of its reservations; never shortens it, never revives one that is over.
-- KEYS: owners, held of the owner
-- ARGV: now or '', lease ms
-- Returns nothing of meaning.
local now = read_now(ARGV[1])
sweep(KEYS[1], now)
return redis.call('ZADD', KEYS[1], 'XX', 'GT', now + tonumber(ARGV[2]), KEYS[2])
