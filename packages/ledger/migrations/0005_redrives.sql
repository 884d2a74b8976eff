-- A dead job and the new one that was made of it. The primary key lets a job be redriven once only; nothing else of
-- either job changes. `takes_line` says that the new job answers the line of its batch, so that the old one no
-- longer stands in the batch's error file.
CREATE TABLE redrives (
  job_id      uuid PRIMARY KEY,
  redriven_as uuid NOT NULL UNIQUE,
  redriven_at timestamptz NOT NULL,
  takes_line  boolean NOT NULL
);

-- Grows with each redrive into the batch. Who ends a batch names the number that it saw when no line was live, so
-- that a line which a redrive has brought back meanwhile keeps the batch open.
ALTER TABLE batches ADD COLUMN redrives integer NOT NULL DEFAULT 0;

CREATE INDEX outcomes_dead ON outcomes (job_id) WHERE state = 'dead';
