-- The weight that an operator gives a target, in place of the configured one; null: the configured one holds.
ALTER TABLE target_states ADD COLUMN weight double precision CHECK (weight >= 0);
