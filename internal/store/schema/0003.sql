-- additive
-- Connections whose copies of records are kept: by which job, and when somebody searched in them last. records and synced
-- are what the job found when it ran last: how many copies there are, and as of when the oldest entity is up to date.
CREATE TABLE copied (
	connection TEXT PRIMARY KEY,
	organization TEXT NOT NULL,
	workspace TEXT NOT NULL,
	job TEXT NOT NULL,
	searched BIGINT NOT NULL,
	records BIGINT NOT NULL DEFAULT 0,
	synced BIGINT NOT NULL DEFAULT 0
) /*strict*/;
CREATE INDEX copied_searched ON copied (searched);

-- The copies: in PostgreSQL the tables of internal/contextstore, in SQLite files of their own.
{copies}
