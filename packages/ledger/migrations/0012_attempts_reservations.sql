-- What a call holds of limits, so that capacity can be rebuilt from the ledger after a loss of Redis. Without a
-- reservation: attempts from before this migration, or of a worker that did not know it. `held_usd` is from here on
-- stated for each call.
ALTER TABLE attempts
  -- The rest of the reservation's id; it begins with the worker's.
  ADD COLUMN reservation uuid,
  ADD COLUMN tenant_id text,
  ADD COLUMN reserved_input integer,
  ADD COLUMN reserved_output integer,
  -- When the request was on the wire; null: not yet, or it never was.
  ADD COLUMN sent_at timestamptz;

-- Rows come in order of time, so a block range index of some kB finds those of the last minutes or of a day.
CREATE INDEX attempts_started ON attempts USING brin (started_at) WITH (autosummarize = on);
