-- A job is kept in three places, because what never changes is wide and what changes is narrow:
--   jobs       what was accepted. Inserted once, never updated.
--   live_jobs  where an unfinished job stands. One narrow row, deleted when the job ends.
--   outcomes   how it ended. Inserted once; its primary key makes a second outcome impossible.
-- So the two updates of a job's life copy neither its request nor its index entries, the indexes that the
-- dispatcher searches hold unfinished jobs only, and "has it ended" is one lookup by primary key.
--
-- jobs, attempts, outcomes and decisions are partitioned by the week of the job's id (UUIDv7): retention drops
-- partitions, and a lookup by id touches one. Partitions are made ahead by the dispatcher; the default
-- partition takes ids of any other time, so that an insert never fails for want of a partition.

CREATE TABLE jobs (
  id                    uuid NOT NULL,
  accepted_at           timestamptz NOT NULL,
  deadline_at           timestamptz NOT NULL,
  effective_deadline_at timestamptz NOT NULL,
  batch_id              uuid,
  -- 1-based line of the batch's input file.
  line                  integer,
  priority              smallint NOT NULL,
  max_attempts          integer NOT NULL,
  input_tokens          integer NOT NULL,
  max_output_tokens     integer,
  body_size             integer NOT NULL,
  tenant_id             text NOT NULL,
  model                 text NOT NULL,
  endpoint              text NOT NULL,
  sla                   text NOT NULL,
  on_miss               text NOT NULL,
  on_ambiguous          text NOT NULL,
  custom_id             text,
  webhook_url           text,
  traceparent           text,
  capabilities          jsonb NOT NULL,
  metadata              jsonb NOT NULL,
  routing               jsonb NOT NULL,
  -- The request as the client sent it (jsonb would change big numbers and duplicate keys), or its key in the file store.
  body                  bytea,
  body_key              text,
  PRIMARY KEY (id),
  CHECK ((body IS NULL) <> (body_key IS NULL))
) PARTITION BY RANGE (id);
-- Compressing requests would cost more processor time than it saves disk.
ALTER TABLE jobs ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX jobs_tenant ON jobs (tenant_id, id);
CREATE INDEX jobs_batch ON jobs (batch_id, id) WHERE batch_id IS NOT NULL;

-- No index names `state`, `epoch`, `attempts`, `worker_id` or `not_before_at`, so that starting an attempt and
-- waiting for the next one stay inside their page (HOT) and touch no index.
CREATE TABLE live_jobs (
  id                    uuid PRIMARY KEY,
  batch_id              uuid,
  worker_id             uuid,
  effective_deadline_at timestamptz NOT NULL,
  deadline_at           timestamptz NOT NULL,
  not_before_at         timestamptz,
  line                  integer,
  epoch                 integer NOT NULL DEFAULT 0,
  attempts              integer NOT NULL DEFAULT 0,
  max_attempts          integer NOT NULL,
  -- Whether its pointer has been given to its lane. An unlaned job waits in the ledger and is always queued.
  laned                 boolean NOT NULL,
  state                 text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'waiting')),
  on_miss               text NOT NULL,
  on_ambiguous          text NOT NULL,
  tenant_id             text NOT NULL,
  model                 text NOT NULL,
  webhook_url           text,
  failed_targets        text[] NOT NULL DEFAULT '{}',
  CHECK (laned OR state = 'queued'),
  CHECK ((state = 'running') = (worker_id IS NOT NULL))
) WITH (
  fillfactor = 70,
  -- Rows come and go with each job: vacuum and statistics must follow within minutes.
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0.05, autovacuum_analyze_threshold = 500
);
CREATE INDEX live_jobs_unfed ON live_jobs (model, effective_deadline_at) WHERE NOT laned;
CREATE INDEX live_jobs_laned ON live_jobs (id) WHERE laned;
CREATE INDEX live_jobs_expiring ON live_jobs (deadline_at) WHERE on_miss = 'expire';
CREATE INDEX live_jobs_batch ON live_jobs (batch_id) WHERE batch_id IS NOT NULL;

-- One call to one target. The row commits before the call; `outcome` is null while it runs.
CREATE TABLE attempts (
  job_id              uuid NOT NULL,
  worker_id           uuid NOT NULL,
  started_at          timestamptz NOT NULL,
  ended_at            timestamptz,
  latency_ms          double precision,
  epoch               integer NOT NULL,
  status_code         integer,
  input_tokens        integer,
  output_tokens       integer,
  cached_input_tokens integer,
  reasoning_tokens    integer,
  cost_usd            numeric,
  target_id           text NOT NULL,
  -- An outcome's kind, `lost` (its worker died) or `fenced` (the job went on without it).
  outcome             text,
  PRIMARY KEY (job_id, epoch)
) PARTITION BY RANGE (job_id);

-- Why an attempt went to its target: the whole decision, to be read back, never searched.
CREATE TABLE decisions (
  job_id uuid NOT NULL,
  epoch  integer NOT NULL,
  route  json NOT NULL,
  PRIMARY KEY (job_id, epoch)
) PARTITION BY RANGE (job_id);

CREATE TABLE outcomes (
  job_id              uuid NOT NULL,
  batch_id            uuid,
  finished_at         timestamptz NOT NULL,
  line                integer,
  epoch               integer NOT NULL,
  attempts            integer NOT NULL,
  status_code         integer,
  input_tokens        integer,
  output_tokens       integer,
  cached_input_tokens integer,
  reasoning_tokens    integer,
  result_size         integer,
  cost_usd            numeric,
  state               text NOT NULL CHECK (state IN ('succeeded', 'failed', 'dead', 'cancelled', 'expired')),
  target_id           text,
  content_type        text,
  upstream_request_id text,
  failure_code        text,
  failure_message     text,
  -- The upstream's bytes as received, or their key in the file store; neither when there was no answer.
  result_body         bytea,
  result_key          text,
  PRIMARY KEY (job_id)
) PARTITION BY RANGE (job_id);
ALTER TABLE outcomes ALTER COLUMN result_body SET STORAGE EXTERNAL;
-- The output file and the error file of a batch, each in order of line.
CREATE INDEX outcomes_batch ON outcomes (batch_id, (state = 'succeeded'), line) WHERE batch_id IS NOT NULL;

CREATE TABLE jobs_default      PARTITION OF jobs DEFAULT;
CREATE TABLE attempts_default  PARTITION OF attempts DEFAULT WITH (fillfactor = 80);
CREATE TABLE decisions_default PARTITION OF decisions DEFAULT;
CREATE TABLE outcomes_default  PARTITION OF outcomes DEFAULT;
