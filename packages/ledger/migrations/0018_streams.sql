-- Answers that clients follow while they come. A job says that it is streamed; its worker then commits the events of the
-- answer in chunks, before anybody sees them, so that any API process can serve them, and serve them again.
ALTER TABLE jobs ADD COLUMN streamed boolean NOT NULL DEFAULT false;

-- `first_number` and `last_number` count the events of the whole stream. Rows of one job are all of one epoch: once
-- there is one, no other attempt begins.
CREATE TABLE stream_events (
  job_id       uuid NOT NULL,
  epoch        integer NOT NULL,
  first_number integer NOT NULL,
  last_number  integer NOT NULL,
  data         bytea NOT NULL,
  PRIMARY KEY (job_id, first_number)
) PARTITION BY RANGE (job_id);
CREATE TABLE stream_events_default PARTITION OF stream_events DEFAULT;
-- Small pieces of text that are read back within a second: compressing them would cost more than it saves.
ALTER TABLE stream_events ALTER COLUMN data SET STORAGE EXTERNAL;

-- From the sending of a request to the first part of its streamed answer.
ALTER TABLE attempts ADD COLUMN first_token_ms double precision;
