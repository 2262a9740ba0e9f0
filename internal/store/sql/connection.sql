-- name: revision.next
UPDATE revision SET newest = newest + 1 WHERE id = 1 RETURNING newest, NOTIFIED(newest, $1)

-- name: revision.forgotten
SELECT forgotten FROM revision WHERE id = 1

-- name: revision.forget
UPDATE revision SET forgotten = $1 WHERE id = 1 AND forgotten < $1

-- name: connection.create
INSERT INTO connection (id, organization, workspace, name, connector, definition, server, config, scheme, state, entities, allow, revision, login, created, updated, deleted)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, 0)

-- name: connection.names
SELECT name FROM connection WHERE workspace = $1 AND deleted = 0

-- name: connection.get
SELECT c.id, c.organization, c.workspace, c.name, c.connector, c.definition, c.server, c.config, c.scheme, c.state, c.entities, c.allow, c.revision, c.login, c.created, c.updated, c.deleted, w.status
FROM connection c JOIN workspace w ON w.id = c.workspace
WHERE c.organization = $1 AND ($2 = '' OR c.workspace = $2) AND c.id = $3 AND c.deleted = 0

-- name: connection.by_name
SELECT c.id, c.organization, c.workspace, c.name, c.connector, c.definition, c.server, c.config, c.scheme, c.state, c.entities, c.allow, c.revision, c.login, c.created, c.updated, c.deleted, w.status
FROM connection c JOIN workspace w ON w.id = c.workspace
WHERE c.organization = $1 AND c.workspace = $2 AND c.name = $3 AND c.deleted = 0

-- name: connection.list
SELECT c.id, c.organization, c.workspace, c.name, c.connector, c.definition, c.server, c.config, c.scheme, c.state, c.entities, c.allow, c.revision, c.login, c.created, c.updated, c.deleted, w.status
FROM connection c JOIN workspace w ON w.id = c.workspace
WHERE c.organization = $1 AND c.id > $2 AND c.deleted = 0 AND ($3 = '' OR c.connector = $3) AND ($4 = '' OR c.definition = $4)
ORDER BY c.id LIMIT $5

-- name: connection.list_workspace
SELECT c.id, c.organization, c.workspace, c.name, c.connector, c.definition, c.server, c.config, c.scheme, c.state, c.entities, c.allow, c.revision, c.login, c.created, c.updated, c.deleted, w.status
FROM connection c JOIN workspace w ON w.id = c.workspace
WHERE c.organization = $1 AND c.id > $2 AND c.deleted = 0 AND ($3 = '' OR c.connector = $3) AND ($4 = '' OR c.definition = $4) AND c.workspace = $6
ORDER BY c.id LIMIT $5

-- name: connection.changes
SELECT c.id, c.organization, c.workspace, c.name, c.connector, c.definition, c.server, c.config, c.scheme, c.state, c.entities, c.allow, c.revision, c.login, c.created, c.updated, c.deleted, w.status
FROM connection c JOIN workspace w ON w.id = c.workspace
WHERE (c.revision, c.id) > ($1, $2)
ORDER BY c.revision, c.id LIMIT $3

-- name: connection.update
UPDATE connection SET name = $2, server = $3, config = $4, scheme = $5, state = $6, entities = $7, allow = $8, revision = $9, login = $10, updated = $11 WHERE id = $1 AND revision = $12 AND deleted = 0

-- name: connection.delete
UPDATE connection SET name = '', connector = '', definition = '', server = '', scheme = '', config = '{}', entities = '[]', allow = '', state = 'needs_login', revision = $4, login = $4, updated = $5, deleted = $5
WHERE organization = $1 AND workspace = $2 AND ($3 = '' OR id = $3) AND deleted = 0

-- The connections of a workspace that was renamed or stopped are other ones to whoever holds them.
-- name: connection.touch
UPDATE connection SET revision = $2 WHERE workspace = $1 AND deleted = 0

-- name: connection.newest_deleted
SELECT COALESCE(MAX(revision), 0) FROM connection WHERE deleted > 0 AND deleted < $1

-- name: connection.forget
DELETE FROM connection WHERE deleted > 0 AND deleted < $1
