-- The most urgent unfed job of a candidate set, whoever's it is.
CREATE INDEX live_jobs_unfed_by_urgency ON live_jobs (candidate_set, effective_deadline_at) WHERE NOT laned;

-- The laned jobs of one candidate set, of which those that do not run are its window. It does not name `state`: starting
-- an attempt and waiting for the next one stay inside their page.
CREATE INDEX live_jobs_laned_by_set ON live_jobs (candidate_set, id) WHERE laned;
DROP INDEX live_jobs_laned;
