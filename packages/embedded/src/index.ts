// Redis and PostgreSQL started for a local cluster and for tests.
export {};
