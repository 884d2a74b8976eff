-- Why Sluice itself ends a batch, a code of its errors; null: it does not.
ALTER TABLE batches ADD COLUMN stopped_for text;

-- Of calls that a budget of a key or batch is held for: the most that one may cost, which counts until it has said what
-- it cost, also when it never does; and the key whose budget it is, if any.
ALTER TABLE attempts
  ADD COLUMN held_usd numeric,
  ADD COLUMN key_id text;
CREATE INDEX attempts_key ON attempts (key_id, started_at) WHERE key_id IS NOT NULL;
