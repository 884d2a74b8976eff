-- Lanes are fed by candidate set (the targets that could serve a job when it was accepted) and fairly between tenants.
-- `tokens` is what a job is charged for in that order: its prompt and the answer that is expected.
-- Rows of before have no set: they share one window.
ALTER TABLE jobs
  ADD COLUMN candidate_set text NOT NULL DEFAULT '',
  ADD COLUMN tokens integer NOT NULL DEFAULT 0,
  -- The key it came with.
  ADD COLUMN key_id text,
  -- When it was predicted to finish, as it was told with the 202.
  ADD COLUMN p50_at timestamptz,
  ADD COLUMN p95_at timestamptz;

-- `waiting_for` names the limit that holds a job back; no index names it, so that writing it stays inside the page.
ALTER TABLE live_jobs
  ADD COLUMN candidate_set text NOT NULL DEFAULT '',
  ADD COLUMN tokens integer NOT NULL DEFAULT 0,
  ADD COLUMN waiting_for text;

CREATE INDEX live_jobs_unfed_by_set ON live_jobs (candidate_set, tenant_id, effective_deadline_at) WHERE NOT laned;
DROP INDEX live_jobs_unfed;

-- What a batch may cost in all, and the share of failed lines that ends it; null: no bound.
ALTER TABLE batches
  ADD COLUMN max_spend_usd numeric,
  ADD COLUMN stop_on_error_rate double precision,
  ADD COLUMN key_id text;

ALTER TABLE api_keys ADD COLUMN usd_per_day numeric;
