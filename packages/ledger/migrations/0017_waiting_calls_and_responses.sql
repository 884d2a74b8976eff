-- A claim also joins tries of one call that carry no Idempotency-Key. `replaces_before`: for this call, an earlier claim
-- from before then counts as absent; the first try of a call replaces every one. `callers` made or repeated the call and
-- may wait for its job: when the last of them goes before the first attempt, nobody wants it any more.
ALTER TABLE idempotency_keys
  ADD COLUMN replaces_before timestamptz,
  ADD COLUMN callers         integer NOT NULL DEFAULT 1,
  ADD COLUMN expires_at      timestamptz NOT NULL DEFAULT now() + interval '24 hours';
CREATE INDEX idempotency_keys_expiring ON idempotency_keys (expires_at);

-- Of a job whose result is read as a Response of OpenAI's: `background` or `stored`. The id of such a response is the
-- job's, with its own prefix. `previous_response` is the one that it goes on from.
ALTER TABLE jobs
  ADD COLUMN response          text CHECK (response IN ('background', 'stored')),
  ADD COLUMN previous_response uuid;
ALTER TABLE live_jobs ADD COLUMN response text;

CREATE TABLE deleted_responses (
  job_id     uuid NOT NULL,
  deleted_at timestamptz NOT NULL,
  PRIMARY KEY (job_id)
) PARTITION BY RANGE (job_id);
CREATE TABLE deleted_responses_default PARTITION OF deleted_responses DEFAULT;
