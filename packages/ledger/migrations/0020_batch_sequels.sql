-- How long a batch's output and error file are kept once it has ended; null: as long as the results of its lines.
ALTER TABLE batches ADD COLUMN output_life_seconds integer;

-- A batch that goes on where another ended: `retry_of` runs the lines that did not succeed there, `resume_from` reads a
-- file of its own and takes over the results of lines that did.
ALTER TABLE batches
  ADD COLUMN retry_of uuid,
  ADD COLUMN resume_from uuid;
-- The same lines are not paid for twice. A retry that failed has run nothing, and may be made again.
CREATE UNIQUE INDEX batches_retry ON batches (retry_of) WHERE retry_of IS NOT NULL AND status <> 'failed';

-- The job whose result this one has taken over without a call.
ALTER TABLE outcomes ADD COLUMN carried_from uuid;
