-- What a job's predicted finish was made from, in ms: what comes true is held against it.
ALTER TABLE jobs
  ADD COLUMN expected_wait_ms integer,
  ADD COLUMN expected_service_ms integer;

-- Jobs that outlive their p95 are counted while they live; no index names these.
ALTER TABLE live_jobs
  ADD COLUMN p95_at timestamptz,
  ADD COLUMN expected_wait_ms integer;
