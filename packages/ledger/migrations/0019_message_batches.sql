-- Whose API a batch was created by: it is shown there and nowhere else.
ALTER TABLE batches
  ADD COLUMN dialect text NOT NULL DEFAULT 'openai' CHECK (dialect IN ('openai', 'anthropic')),
  -- Its lines' requests and results are gone, and it is out of sight. The row stays: events tell of it.
  ADD COLUMN deleted_at timestamptz;
-- Those whose results are told from their input.
CREATE INDEX batches_unread ON batches (input_file_id)
  WHERE dialect = 'anthropic' AND in_progress_at IS NULL AND deleted_at IS NULL;
