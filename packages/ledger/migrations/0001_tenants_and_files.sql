-- Ids are the UUIDv7 of the public id; the prefix (`job_`, `batch_` …) is put before it at the edges.

CREATE TABLE tenants (
  id         text PRIMARY KEY,
  created_at timestamptz NOT NULL
);

-- Only the hash of a key is kept; `hint` is its last characters, to recognise it by.
CREATE TABLE api_keys (
  id         text PRIMARY KEY,
  tenant_id  text NOT NULL REFERENCES tenants,
  role       text NOT NULL CHECK (role IN ('admin', 'member')),
  hash       bytea NOT NULL UNIQUE,
  hint       text NOT NULL,
  name       text NOT NULL,
  created_at timestamptz NOT NULL
);

-- What webhooks of jobs and batches are signed with. `version` counts per tenant, so that two processes that
-- make the first secret at the same time meet on the primary key. `expires_at` ends the overlap of a rotation.
CREATE TABLE webhook_secrets (
  tenant_id  text NOT NULL,
  version    integer NOT NULL,
  secret     text NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  PRIMARY KEY (tenant_id, version)
);

-- Uploaded files. The output and error files of batches are views over outcomes and have no row here.
CREATE TABLE files (
  id         uuid PRIMARY KEY,
  tenant_id  text NOT NULL,
  filename   text NOT NULL,
  purpose    text NOT NULL,
  bytes      bigint NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  store_key  text NOT NULL
);
CREATE INDEX files_tenant ON files (tenant_id, id);

-- The first answer to a call with an Idempotency-Key. `claim_id` is the job or batch that call made: a statement
-- that reads back its own claim_id knows that it was the first.
CREATE TABLE idempotency_keys (
  tenant_id   text NOT NULL,
  route       text NOT NULL,
  key         text NOT NULL,
  claim_id    uuid NOT NULL,
  body_sha256 bytea NOT NULL,
  status      integer NOT NULL,
  body        text NOT NULL,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, route, key)
);

-- One row per worker process. Once its lease is over it never lives again: a worker that comes back registers anew.
-- `cleared_at` says that nothing of it is left to give back, so that its rows need not be searched for again.
CREATE TABLE workers (
  id            uuid PRIMARY KEY,
  host          text NOT NULL,
  pid           integer NOT NULL,
  registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  lease_until   timestamptz NOT NULL,
  cleared_at    timestamptz
) WITH (fillfactor = 50);
CREATE INDEX workers_uncleared ON workers (id) WHERE cleared_at IS NULL;

-- Leadership. `epoch` grows with each take-over; every write of a leader names the epoch it was given.
CREATE TABLE leases (
  name        text PRIMARY KEY,
  holder      text NOT NULL,
  epoch       bigint NOT NULL,
  lease_until timestamptz NOT NULL
) WITH (fillfactor = 50);
