-- Ids are UUIDs, times are milliseconds since 1970, and 0 is a time that has not come.
-- The words are those of PostgreSQL; dialect.go says what stands for them in SQLite.

CREATE TABLE organization (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	created BIGINT NOT NULL
) /*strict*/;

-- An application is known by the SHA-256 of its secret. The secret is nowhere.
CREATE TABLE application (
	id TEXT PRIMARY KEY,
	organization TEXT NOT NULL REFERENCES organization,
	name TEXT NOT NULL,
	digest BYTEA NOT NULL,
	return_urls TEXT NOT NULL,
	created BIGINT NOT NULL,
	revoked BIGINT NOT NULL
) /*strict*/;
CREATE INDEX application_organization ON application (organization, id);

CREATE TABLE signing_key (
	id TEXT PRIMARY KEY,
	master TEXT NOT NULL,
	sealed BYTEA NOT NULL,
	created BIGINT NOT NULL,
	retired BIGINT NOT NULL
) /*strict*/;

-- One row: the id of the master key that seals keys. What is sealed with another one waits for a
-- rotation to go on.
CREATE TABLE master (
	id BIGINT PRIMARY KEY,
	current TEXT NOT NULL
) /*strict*/;

-- folded is the name in lower case, for searches.
CREATE TABLE workspace (
	id TEXT PRIMARY KEY,
	organization TEXT NOT NULL REFERENCES organization,
	name TEXT NOT NULL,
	folded TEXT NOT NULL,
	status TEXT NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	deleted BIGINT NOT NULL
) /*strict*/;
CREATE UNIQUE INDEX workspace_name ON workspace (organization, name) WHERE deleted = 0;
CREATE INDEX workspace_organization ON workspace (organization, id);
CREATE INDEX workspace_deleted ON workspace (deleted) WHERE deleted > 0;

-- A workspace has one key that is not retired. Retired ones open answers of writes that are kept.
CREATE TABLE data_key (
	id TEXT PRIMARY KEY,
	organization TEXT NOT NULL REFERENCES organization,
	workspace TEXT NOT NULL REFERENCES workspace,
	master TEXT NOT NULL,
	sealed BYTEA NOT NULL,
	seals BIGINT NOT NULL,
	created BIGINT NOT NULL,
	retired BIGINT NOT NULL
) /*strict*/;
CREATE UNIQUE INDEX data_key_current ON data_key (workspace) WHERE retired = 0;
CREATE INDEX data_key_workspace ON data_key (workspace);
CREATE INDEX data_key_master ON data_key (master);

-- A workspace's token is known by the SHA-256 of its text. The text is nowhere. used is about when it
-- was used last.
CREATE TABLE workspace_token (
	id TEXT PRIMARY KEY,
	organization TEXT NOT NULL REFERENCES organization,
	workspace TEXT NOT NULL REFERENCES workspace,
	name TEXT NOT NULL,
	scopes TEXT NOT NULL,
	digest BYTEA NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	revoked BIGINT NOT NULL,
	used BIGINT NOT NULL
) /*strict*/;
CREATE UNIQUE INDEX workspace_token_digest ON workspace_token (digest);
CREATE INDEX workspace_token_workspace ON workspace_token (workspace, id);

-- What an operator shows from elsewhere, known by its SHA-256.
CREATE TABLE operator_token (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL,
	role TEXT NOT NULL,
	digest BYTEA NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	revoked BIGINT NOT NULL,
	used BIGINT NOT NULL
) /*strict*/;
CREATE UNIQUE INDEX operator_token_digest ON operator_token (digest);

-- A browser that began to log in: the SHA-256 of what comes back from the issuer, and of its cookie.
CREATE TABLE login (
	state BYTEA PRIMARY KEY,
	browser BYTEA NOT NULL,
	target TEXT NOT NULL,
	expires BIGINT NOT NULL
) /*strict*/;
CREATE INDEX login_expires ON login (expires);

-- A person who is logged in, known by the SHA-256 of a cookie.
CREATE TABLE login_session (
	digest BYTEA PRIMARY KEY,
	issuer TEXT NOT NULL,
	subject TEXT NOT NULL,
	organization TEXT NOT NULL,
	workspace TEXT NOT NULL,
	role TEXT NOT NULL,
	created BIGINT NOT NULL,
	used BIGINT NOT NULL,
	expires BIGINT NOT NULL
) /*strict*/;
CREATE INDEX login_session_expires ON login_session (expires);
CREATE INDEX login_session_workspace ON login_session (workspace);

-- One row: the newest revision of a connection, and the newest one whose removal is forgotten.
-- A transaction that changes connections begins with it, so that revisions are committed in order.
CREATE TABLE revision (
	id BIGINT PRIMARY KEY,
	newest BIGINT NOT NULL,
	forgotten BIGINT NOT NULL
) /*strict*/;
INSERT INTO revision (id, newest, forgotten) VALUES (1, 0, 0);

-- login is the revision in which it got its credentials, or lost them.
CREATE TABLE connection (
	id TEXT PRIMARY KEY,
	organization TEXT NOT NULL REFERENCES organization,
	workspace TEXT NOT NULL REFERENCES workspace,
	name TEXT NOT NULL,
	connector TEXT NOT NULL,
	definition TEXT NOT NULL,
	server TEXT NOT NULL,
	config TEXT NOT NULL,
	scheme TEXT NOT NULL,
	state TEXT NOT NULL,
	entities TEXT NOT NULL,
	allow TEXT NOT NULL,
	revision BIGINT NOT NULL,
	login BIGINT NOT NULL,
	created BIGINT NOT NULL,
	updated BIGINT NOT NULL,
	deleted BIGINT NOT NULL
) /*strict*/;
CREATE UNIQUE INDEX connection_name ON connection (workspace, name) WHERE deleted = 0;
CREATE INDEX connection_revision ON connection (revision, id);
CREATE INDEX connection_workspace ON connection (workspace, id);
CREATE INDEX connection_organization ON connection (organization, id);
CREATE INDEX connection_deleted ON connection (deleted) WHERE deleted > 0;

-- origins are what the value was sealed for. To seal it anew needs them; to use it, the caller says
-- which origins it means, and other ones do not open it.
CREATE TABLE credential (
	connection TEXT NOT NULL REFERENCES connection,
	field TEXT NOT NULL,
	origins TEXT NOT NULL,
	data_key TEXT NOT NULL REFERENCES data_key,
	sealed BYTEA NOT NULL,
	PRIMARY KEY (connection, field)
) /*strict*/;
CREATE INDEX credential_data_key ON credential (data_key);

CREATE TABLE token (
	connection TEXT PRIMARY KEY REFERENCES connection,
	version BIGINT NOT NULL,
	origins TEXT NOT NULL,
	data_key TEXT NOT NULL REFERENCES data_key,
	sealed BYTEA NOT NULL,
	updated BIGINT NOT NULL
) /*strict*/;
CREATE INDEX token_data_key ON token (data_key);

-- A link with which a person connects an account. token, session and code are SHA-256: of what the
-- link has, of what the browser has that took it, and of what confirms it. sealed is what the person
-- gave, until it is confirmed. turn counts the logins that were tried, and tries the wrong codes.
CREATE TABLE connect_link (
	id TEXT PRIMARY KEY,
	organization TEXT NOT NULL,
	workspace TEXT NOT NULL REFERENCES workspace,
	connection TEXT NOT NULL REFERENCES connection,
	application TEXT NOT NULL,
	return_url TEXT NOT NULL,
	state TEXT NOT NULL,
	token BYTEA NOT NULL,
	session BYTEA,
	code BYTEA,
	turn BIGINT NOT NULL,
	tries BIGINT NOT NULL,
	origins TEXT NOT NULL,
	data_key TEXT REFERENCES data_key,
	sealed BYTEA,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL
) /*strict*/;
CREATE UNIQUE INDEX connect_link_connection ON connect_link (connection);
CREATE UNIQUE INDEX connect_link_token ON connect_link (token);
CREATE UNIQUE INDEX connect_link_session ON connect_link (session);
CREATE INDEX connect_link_workspace ON connect_link (workspace);
CREATE INDEX connect_link_data_key ON connect_link (data_key);
CREATE INDEX connect_link_expires ON connect_link (expires);

-- What a person is asked about. sealed is what a call would send, and who asks.
CREATE TABLE plan (
	id TEXT PRIMARY KEY,
	organization TEXT NOT NULL,
	workspace TEXT NOT NULL REFERENCES workspace,
	digest TEXT NOT NULL,
	state TEXT NOT NULL,
	answered_by TEXT NOT NULL,
	answered BIGINT NOT NULL,
	data_key TEXT NOT NULL REFERENCES data_key,
	sealed BYTEA NOT NULL,
	created BIGINT NOT NULL,
	expires BIGINT NOT NULL
) /*strict*/;
CREATE INDEX plan_workspace ON plan (workspace, id);
CREATE INDEX plan_digest ON plan (workspace, digest);
CREATE INDEX plan_data_key ON plan (data_key);
CREATE INDEX plan_expires ON plan (expires);

-- start is the id of the record of the write's start, so that nobody ends another write with the key.
CREATE TABLE idempotency (
	caller TEXT NOT NULL,
	connection TEXT NOT NULL,
	key TEXT NOT NULL,
	organization TEXT NOT NULL,
	workspace TEXT NOT NULL,
	hash BYTEA NOT NULL,
	start TEXT NOT NULL,
	state TEXT NOT NULL,
	status BIGINT NOT NULL,
	data_key TEXT REFERENCES data_key,
	answer BYTEA,
	expires BIGINT NOT NULL,
	undone TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (caller, connection, key)
) /*strict*/;
CREATE INDEX idempotency_connection ON idempotency (connection);
CREATE INDEX idempotency_expires ON idempotency (expires);
CREATE INDEX idempotency_data_key ON idempotency (data_key);
CREATE INDEX idempotency_running ON idempotency (state) WHERE state = 'running';

-- A call has a row when it starts, if it may change something, and one when it has ended. A change
-- of what is in the other tables has one.
CREATE TABLE audit (
	id TEXT NOT NULL,
	event TEXT NOT NULL,
	organization TEXT NOT NULL,
	workspace TEXT NOT NULL,
	record TEXT NOT NULL,
	PRIMARY KEY (id, event)
) /*strict*/;
CREATE INDEX audit_workspace ON audit (workspace, id, event);
CREATE INDEX audit_organization ON audit (organization, id, event);

CREATE TABLE job (
	id TEXT PRIMARY KEY,
	organization TEXT NOT NULL,
	workspace TEXT NOT NULL,
	kind TEXT NOT NULL,
	state TEXT NOT NULL,
	actor TEXT NOT NULL,
	error TEXT NOT NULL,
	created BIGINT NOT NULL,
	finished BIGINT NOT NULL
) /*strict*/;
CREATE INDEX job_organization ON job (organization, id);
CREATE INDEX job_finished ON job (finished) WHERE finished > 0;

-- The rotation of data keys that runs, or that was interrupted: keys from before it are replaced.
CREATE TABLE rotation (
	id BIGINT PRIMARY KEY,
	started BIGINT NOT NULL
) /*strict*/;
