-- additive
-- What the nodes of a server agree on. Times are those of the database's clock, in milliseconds.

-- The fence of a lease only grows. A row stays for a while after its lease has ended.
CREATE TABLE lease (
	name TEXT PRIMARY KEY,
	holder TEXT NOT NULL,
	fence BIGINT NOT NULL,
	until BIGINT NOT NULL
) /*strict*/;
CREATE INDEX lease_until ON lease (until);

-- A limit that nodes share. What is in the ledger is the business of internal/coordinate.
CREATE TABLE rate (
	name TEXT PRIMARY KEY,
	ledger TEXT NOT NULL,
	used BIGINT NOT NULL
) /*strict*/;
CREATE INDEX rate_used ON rate (used);

-- A process that serves, from its start on. place is what only one process at a time has, such as a
-- folder. beat is when it was heard of last.
CREATE TABLE node (
	id TEXT PRIMARY KEY,
	place TEXT NOT NULL,
	started BIGINT NOT NULL,
	beat BIGINT NOT NULL
) /*strict*/;

-- The node that runs a write, empty if it has no row in node.
ALTER TABLE idempotency ADD COLUMN node TEXT NOT NULL DEFAULT '';

-- A connector that operators installed, and what one of them approved of it, sealed with a master key. A
-- module is a row of its own, which never changes.
CREATE TABLE connector_file (
	name TEXT PRIMARY KEY,
	digest TEXT NOT NULL,
	size BIGINT NOT NULL,
	creator TEXT NOT NULL,
	created BIGINT NOT NULL,
	master TEXT NOT NULL,
	sealed BYTEA NOT NULL
) /*strict*/;

CREATE TABLE connector_module (
	name TEXT PRIMARY KEY,
	module BYTEA NOT NULL
) /*strict*/;

-- river is the id in river_job, which says how far the job is; 0 for what was done in a transaction, of
-- which state, error and finished are true.
ALTER TABLE job ADD COLUMN river BIGINT NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN object TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN cancelled BIGINT NOT NULL DEFAULT 0;
UPDATE job SET state = 'parked', finished = created WHERE state IN ('running', 'failed');

-- What a job needs, sealed with a master key: the workspace may be gone with its keys.
CREATE TABLE job_data (
	job TEXT PRIMARY KEY REFERENCES job ON DELETE CASCADE,
	master TEXT NOT NULL,
	sealed BYTEA NOT NULL
) /*strict*/;
CREATE INDEX job_data_master ON job_data (master);
