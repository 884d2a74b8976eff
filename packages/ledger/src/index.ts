// PostgreSQL: migrations and queries; the only importer of the client.
export {};
