-- What operators have said of targets. Rows stay when a target is active again: its last word has a moment.
CREATE TABLE target_states (
  target_id  text PRIMARY KEY,
  state      text NOT NULL CHECK (state IN ('active', 'paused', 'draining')),
  changed_at timestamptz NOT NULL
);
