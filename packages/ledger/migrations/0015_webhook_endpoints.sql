-- A UUIDv7 of a moment: deliveries that a statement makes for endpoints sort by time, as those with an id from outside.
CREATE FUNCTION uuid_at(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE AS $$
  SELECT encode(set_bit(set_bit(
    overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send((extract(epoch FROM at) * 1000)::bigint) FROM 3)
      FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;

ALTER TABLE webhook_endpoints
  ADD COLUMN name            text NOT NULL DEFAULT '',
  ADD COLUMN payload         text NOT NULL DEFAULT 'thin' CHECK (payload IN ('thin', 'full')),
  ADD COLUMN updated_at      timestamptz,
  -- Why it is disabled: asked (by its tenant), gone (it answered 410) or failing (for days).
  ADD COLUMN disabled_reason text;

-- What an endpoint's webhooks are signed with; `version` and `expires_at` as in webhook_secrets.
CREATE TABLE webhook_endpoint_secrets (
  endpoint_id uuid NOT NULL REFERENCES webhook_endpoints ON DELETE CASCADE,
  version     integer NOT NULL,
  secret      text NOT NULL,
  created_at  timestamptz NOT NULL,
  expires_at  timestamptz,
  PRIMARY KEY (endpoint_id, version)
);

-- A receiver is an endpoint, or all of one origin that a tenant's jobs and batches name.
ALTER TABLE deliveries
  ADD COLUMN receiver text GENERATED ALWAYS AS (
    coalesce(endpoint_id::text, lower(substring(url FROM '^[^:/?#]+://[^/?#]+')), url)) STORED,
  ADD COLUMN payload    text NOT NULL DEFAULT 'thin' CHECK (payload IN ('thin', 'full')),
  -- A test: one attempt, whatever state the receiver is in.
  ADD COLUMN test       boolean NOT NULL DEFAULT false,
  ADD COLUMN created_at timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE INDEX deliveries_receiver ON deliveries (tenant_id, receiver, next_attempt_at) WHERE state = 'pending';
CREATE INDEX deliveries_endpoint ON deliveries (endpoint_id, id) WHERE endpoint_id IS NOT NULL;
CREATE INDEX deliveries_tenant ON deliveries (tenant_id, id);
-- Of a test: it never happened, and is not told again.
ALTER TABLE events ADD COLUMN test boolean NOT NULL DEFAULT false;
CREATE INDEX events_tenant ON events (tenant_id, id);

-- Receivers that fail now; the first success removes the row. After some failures in a row nothing is sent before
-- `retry_at`, then one delivery tries.
CREATE TABLE failing_receivers (
  tenant_id     text NOT NULL,
  receiver      text NOT NULL,
  failures      integer NOT NULL,
  failing_since timestamptz NOT NULL,
  retry_at      timestamptz,
  PRIMARY KEY (tenant_id, receiver)
);

-- How much of it a webhook to `webhook_url` tells.
ALTER TABLE jobs      ADD COLUMN webhook_payload text;
ALTER TABLE live_jobs ADD COLUMN webhook_payload text;
ALTER TABLE batches   ADD COLUMN webhook_payload text;
