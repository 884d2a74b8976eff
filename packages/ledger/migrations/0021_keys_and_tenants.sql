-- A key ends when it is revoked or expires; it stays, for the jobs that name it. Of uses only the last is kept, and
-- written now and then.
ALTER TABLE api_keys
  ADD COLUMN expires_at   timestamptz,
  ADD COLUMN revoked_at   timestamptz,
  ADD COLUMN rotated_at   timestamptz,
  ADD COLUMN last_used_at timestamptz;
CREATE INDEX api_keys_tenant ON api_keys (tenant_id, id);

-- What a key was before it was rotated. It opens until `valid_until`, and is kept so that it never becomes a key again.
CREATE TABLE earlier_key_hashes (
  hash        bytea PRIMARY KEY,
  key_id      text NOT NULL REFERENCES api_keys ON DELETE CASCADE,
  valid_until timestamptz NOT NULL
);
CREATE INDEX earlier_key_hashes_key ON earlier_key_hashes (key_id);

-- Weight, limits, tags and highest priority of a tenant that was made over the API; null: the configuration has them,
-- or they are those of `default`.
ALTER TABLE tenants
  ADD COLUMN settings    json,
  ADD COLUMN updated_at  timestamptz,
  ADD COLUMN disabled_at timestamptz;

-- Grows with each change of a tenant or a key, in its transaction: who has read this version need not read the rest.
CREATE TABLE access_version (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  version  bigint NOT NULL
);
INSERT INTO access_version (version) VALUES (0);
