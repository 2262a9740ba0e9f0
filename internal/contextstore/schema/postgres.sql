-- additive
-- Copies of the records of connections, and what is known of each entity; see internal/contextstore. Only PostgreSQL has them:
-- in SQLite they are in files of their own.
CREATE TABLE context_entity (
	slot BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workspace TEXT NOT NULL,
	connection TEXT NOT NULL,
	entity TEXT NOT NULL,
	spec TEXT NOT NULL,
	number BIGINT NOT NULL DEFAULT 0,
	pass TEXT NOT NULL DEFAULT '',
	pass_spec TEXT NOT NULL DEFAULT '',
	cursor TEXT NOT NULL DEFAULT '',
	synced BIGINT NOT NULL DEFAULT 0,
	complete BIGINT NOT NULL DEFAULT 0,
	count BIGINT NOT NULL DEFAULT 0,
	UNIQUE (workspace, connection, entity)
);

-- Each term begins with the slot, so that an index entry is of one entity only. Rows keep some room, so that
-- to mark one as seen touches no index.
CREATE TABLE context_record (
	slot BIGINT NOT NULL,
	id BIGINT NOT NULL,
	key TEXT NOT NULL,
	updated BIGINT NOT NULL,
	seen BIGINT NOT NULL,
	record BYTEA NOT NULL,
	terms TSVECTOR NOT NULL,
	PRIMARY KEY (slot, id)
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX context_record_key ON context_record (slot, key);
CREATE INDEX context_record_terms ON context_record USING gin (terms);
