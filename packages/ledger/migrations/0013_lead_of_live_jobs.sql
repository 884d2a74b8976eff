-- Predictions are held against what comes true by how long a job had to its deadline; no index names this.
ALTER TABLE live_jobs ADD COLUMN accepted_at timestamptz;
