-- name: idempotency.begin
INSERT INTO idempotency (caller, connection, key, organization, workspace, hash, start, state, status, data_key, answer, expires, node)
VALUES ($1, $2, $3, $4, $5, $6, $10, 'running', 0, NULL, NULL, $7, $9)
ON CONFLICT (caller, connection, key) DO UPDATE
SET organization = excluded.organization, workspace = excluded.workspace, hash = excluded.hash, start = excluded.start, state = 'running', status = 0, data_key = NULL, answer = NULL, expires = excluded.expires, node = excluded.node
WHERE idempotency.expires <= $8 AND idempotency.state <> 'running' AND idempotency.undone NOT LIKE '%' || excluded.start || '%'

-- The same with the record of the start, in one statement. Done again, it finds what it did before.
-- name: idempotency.begin_recorded (PostgreSQL)
WITH begun AS (
	INSERT INTO idempotency (caller, connection, key, organization, workspace, hash, start, state, status, data_key, answer, expires, node)
	VALUES ($1, $2, $3, $4, $5, $6, $10, 'running', 0, NULL, NULL, $7, $9)
	ON CONFLICT (caller, connection, key) DO UPDATE
	SET organization = excluded.organization, workspace = excluded.workspace, hash = excluded.hash, start = excluded.start, state = 'running', status = 0, data_key = NULL, answer = NULL, expires = excluded.expires, node = excluded.node
	WHERE idempotency.expires <= $8 AND idempotency.state <> 'running' AND idempotency.undone NOT LIKE '%' || excluded.start || '%' OR $11 AND idempotency.start = excluded.start AND idempotency.state = 'running'
	RETURNING 1
), recorded AS (
	INSERT INTO audit (id, event, organization, workspace, record)
	SELECT $12::text, $13::text, $14::text, $15::text, $16::text FROM begun ON CONFLICT (id, event) DO NOTHING
)
SELECT COUNT(*) FROM begun

-- The key is free for every start but those that were undone, of which the newest ones are kept: a caller
-- may try again and again, and what the database was told of each try may arrive late.
-- name: idempotency.undo
INSERT INTO idempotency (caller, connection, key, organization, workspace, hash, start, state, status, data_key, answer, expires, node, undone)
VALUES ($1, $2, $3, $4, $5, $6, $7, 'unknown', 0, NULL, NULL, 0, '', $7)
ON CONFLICT (caller, connection, key) DO UPDATE
SET undone = substr(excluded.undone || ' ' || idempotency.undone, 1, 4000),
	state = CASE WHEN idempotency.start = excluded.start AND idempotency.state = 'running' THEN 'unknown' ELSE idempotency.state END,
	expires = CASE WHEN idempotency.start = excluded.start AND idempotency.state = 'running' THEN 0 ELSE idempotency.expires END

-- name: idempotency.get
SELECT i.hash, i.state, i.status, i.answer, k.id, k.organization, k.workspace, k.master, k.sealed
FROM idempotency i LEFT JOIN data_key k ON k.id = i.data_key
WHERE i.caller = $1 AND i.connection = $2 AND i.key = $3 AND i.expires > 0

-- Done again, it finds what it did before.
-- name: idempotency.finish
UPDATE idempotency SET state = 'finished', status = $5, data_key = $6, answer = $7
WHERE caller = $1 AND connection = $2 AND key = $3 AND start = $4 AND (state = 'running' OR $8 AND state = 'finished')

-- name: idempotency.unknown
UPDATE idempotency SET state = 'unknown' WHERE caller = $1 AND connection = $2 AND key = $3 AND start = $4 AND state = 'running'

-- The row stays for a while, as it knows which starts were undone.
-- name: idempotency.free
UPDATE idempotency SET state = 'unknown', expires = 0 WHERE caller = $1 AND connection = $2 AND key = $3 AND start = $4 AND state = 'running'

-- name: idempotency.interrupted
UPDATE idempotency SET state = 'unknown' WHERE state = 'running'

-- Writes of nodes that are gone.
-- name: idempotency.abandoned
UPDATE idempotency SET state = 'unknown' WHERE state = 'running' AND node <> '' AND NOT EXISTS (SELECT 1 FROM node WHERE node.id = idempotency.node)

-- name: idempotency.forget
DELETE FROM idempotency WHERE (caller, connection, key) IN (SELECT caller, connection, key FROM idempotency WHERE expires <= $1 AND state <> 'running' LIMIT $2)

-- name: idempotency.delete
DELETE FROM idempotency WHERE workspace = $1 AND connection IN (SELECT id FROM connection WHERE workspace = $1 AND ($2 = '' OR id = $2))
