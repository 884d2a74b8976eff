-- Lists of jobs that few jobs match: live ones of a tenant, those that ended otherwise than well, those with a pair of
-- metadata. What starting, waiting and settling write is in no column of the first, so those stay inside their page.
CREATE INDEX live_jobs_tenant ON live_jobs (tenant_id, id);
CREATE INDEX outcomes_unwell ON outcomes (state, job_id) WHERE state <> 'succeeded';
CREATE INDEX jobs_metadata ON jobs USING gin (metadata jsonb_path_ops) WHERE metadata <> '{}';

-- When a job was first held for room before its first attempt. All other steps of a job's life can be read from
-- jobs, attempts and outcomes; this one would be forgotten.
CREATE TABLE first_waits (
  job_id uuid NOT NULL,
  at     timestamptz NOT NULL,
  PRIMARY KEY (job_id)
) PARTITION BY RANGE (job_id);
CREATE TABLE first_waits_default PARTITION OF first_waits DEFAULT;

-- What a job's owner thinks of its result; the newest word counts.
CREATE TABLE feedback (
  job_id     uuid NOT NULL,
  given_at   timestamptz NOT NULL,
  score      double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
  labels     jsonb NOT NULL,
  PRIMARY KEY (job_id)
) PARTITION BY RANGE (job_id);
CREATE TABLE feedback_default PARTITION OF feedback DEFAULT;
