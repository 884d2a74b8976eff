-- An event's id is the `webhook-id` of each of its deliveries. It commits with what it tells.
CREATE TABLE events (
  id         uuid PRIMARY KEY,
  tenant_id  text NOT NULL,
  type       text NOT NULL,
  -- The job or batch that it is about; `type` says which.
  object_id  uuid NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE webhook_endpoints (
  id          uuid PRIMARY KEY,
  tenant_id   text NOT NULL,
  url         text NOT NULL,
  event_types text[] NOT NULL,
  created_at  timestamptz NOT NULL,
  disabled_at timestamptz
);
CREATE INDEX webhook_endpoints_tenant ON webhook_endpoints (tenant_id, id);

-- One event on its way to one receiver.
CREATE TABLE deliveries (
  id              uuid PRIMARY KEY,
  event_id        uuid NOT NULL,
  tenant_id       text NOT NULL,
  -- Null when the url came with the job or batch.
  endpoint_id     uuid,
  url             text NOT NULL,
  state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'succeeded', 'given_up')),
  attempts        integer NOT NULL DEFAULT 0,
  next_attempt_at timestamptz NOT NULL,
  -- Until when (by the server's clock) the process that sends it has it for itself.
  claimed_until   timestamptz
) WITH (fillfactor = 80);
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE state = 'pending';

CREATE TABLE delivery_attempts (
  delivery_id      uuid NOT NULL,
  number           integer NOT NULL,
  at               timestamptz NOT NULL,
  latency_ms       double precision NOT NULL,
  status_code      integer,
  reason           text,
  response_snippet text,
  PRIMARY KEY (delivery_id, number)
);
