CREATE TABLE batches (
  id                uuid PRIMARY KEY,
  tenant_id         text NOT NULL,
  input_file_id     uuid NOT NULL,
  output_file_id    uuid NOT NULL UNIQUE,
  error_file_id     uuid NOT NULL UNIQUE,
  endpoint          text NOT NULL,
  completion_window text NOT NULL,
  created_at        timestamptz NOT NULL,
  expires_at        timestamptz NOT NULL,
  sla               text NOT NULL,
  priority          smallint NOT NULL,
  on_miss           text NOT NULL,
  on_ambiguous      text NOT NULL,
  max_attempts      integer NOT NULL,
  metadata          jsonb,
  routing           jsonb NOT NULL,
  webhook_url       text,
  webhook_jobs      boolean NOT NULL,
  traceparent       text,
  status            text NOT NULL DEFAULT 'validating' CHECK (status IN (
    'validating', 'failed', 'in_progress', 'finalizing', 'completed', 'expired', 'cancelling', 'cancelled')),
  errors            jsonb NOT NULL DEFAULT '[]',
  total             integer NOT NULL DEFAULT 0,
  -- The process that validates it, and until when (by the server's clock) no other may.
  validator         text,
  validator_until   timestamptz,
  in_progress_at    timestamptz,
  finalizing_at     timestamptz,
  completed_at      timestamptz,
  failed_at         timestamptz,
  expired_at        timestamptz,
  cancelling_at     timestamptz,
  cancelled_at      timestamptz
);
CREATE INDEX batches_tenant ON batches (tenant_id, id);
CREATE INDEX batches_live ON batches (status, id)
  WHERE status IN ('validating', 'in_progress', 'finalizing', 'cancelling');

-- What ended, summed per flush and batch. Append-only: a counter in the batch's row would be a lock that every
-- worker of a large batch waits for.
CREATE TABLE batch_counts (
  batch_id            uuid NOT NULL,
  succeeded           integer NOT NULL,
  failed              integer NOT NULL,
  dead                integer NOT NULL,
  cancelled           integer NOT NULL,
  expired             integer NOT NULL,
  input_tokens        bigint NOT NULL,
  output_tokens       bigint NOT NULL,
  cached_input_tokens bigint NOT NULL,
  reasoning_tokens    bigint NOT NULL,
  output_bytes        bigint NOT NULL,
  error_bytes         bigint NOT NULL,
  cost_usd            numeric NOT NULL
);
CREATE INDEX batch_counts_batch ON batch_counts (batch_id);
