-- Contents of files and parts in the file store. Equal ones are stored once, so one goes only when nothing uses it any
-- more. Whoever puts a content claims it first: `check_at` is then an hour away. Uses are counted by their rows;
-- the reference makes a use of a content that is just being deleted wait, and fail when it is gone.
-- Files of before have neither: their contents may be shared with requests and results, and stay.
CREATE TABLE contents (
  store_key text PRIMARY KEY,
  -- When to look whether anything uses it; null: something did at the last look, and says so when it ends.
  check_at  timestamptz
);
CREATE INDEX contents_to_check ON contents (check_at) WHERE check_at IS NOT NULL;

-- `user_id` is a file or a part.
CREATE TABLE content_uses (
  user_id   uuid NOT NULL,
  store_key text NOT NULL REFERENCES contents,
  PRIMARY KEY (user_id, store_key)
);
CREATE INDEX content_uses_content ON content_uses (store_key);

-- A file that was uploaded in parts is its parts' contents one after the other: [{"key", "bytes"}]; null: one content.
-- A deleted file is out of sight at once, and its row goes when no batch has still to read it.
ALTER TABLE files
  ADD COLUMN pieces jsonb,
  ADD COLUMN deleted_at timestamptz;
CREATE INDEX files_deleted ON files (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX files_expiring ON files (expires_at) WHERE expires_at IS NOT NULL;

ALTER TABLE batches
  ADD COLUMN output_file_deleted_at timestamptz,
  ADD COLUMN error_file_deleted_at timestamptz;

CREATE TABLE uploads (
  id           uuid PRIMARY KEY,
  tenant_id    text NOT NULL,
  filename     text NOT NULL,
  purpose      text NOT NULL,
  mime_type    text NOT NULL,
  bytes        bigint NOT NULL,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  -- Of the file that it becomes; null: until it is deleted.
  file_life_ms bigint,
  status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'completed', 'cancelled', 'expired')),
  file_id      uuid,
  -- The parts that it was completed with, in order: completing it with the same ones again changes nothing.
  part_ids     jsonb
);
CREATE INDEX uploads_expiring ON uploads (expires_at);

CREATE TABLE upload_parts (
  id         uuid PRIMARY KEY,
  upload_id  uuid NOT NULL REFERENCES uploads,
  bytes      bigint NOT NULL,
  store_key  text NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE INDEX upload_parts_upload ON upload_parts (upload_id, id);
