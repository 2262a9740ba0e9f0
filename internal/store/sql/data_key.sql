-- name: data_key.create
INSERT INTO data_key (id, organization, workspace, master, sealed, seals, created, retired) VALUES {rows}

-- The row stays locked until the transaction ends: nothing is sealed with a key that is being replaced.
-- name: data_key.use
UPDATE data_key SET seals = seals + $2 WHERE workspace = $1 AND retired = 0 RETURNING id, organization, master, sealed, seals

-- name: data_key.of
SELECT id, organization, workspace, master, sealed FROM data_key WHERE workspace = $1 AND retired = 0

-- name: data_key.retire
UPDATE data_key SET retired = $2 WHERE id = $1

-- name: data_key.forget
DELETE FROM data_key WHERE id IN (
	SELECT id FROM data_key k WHERE retired > 0 AND retired <= $1
	AND NOT EXISTS (SELECT 1 FROM idempotency i WHERE i.data_key = k.id)
	AND NOT EXISTS (SELECT 1 FROM credential c WHERE c.data_key = k.id)
	AND NOT EXISTS (SELECT 1 FROM token t WHERE t.data_key = k.id)
	AND NOT EXISTS (SELECT 1 FROM connect_link l WHERE l.data_key = k.id)
	AND NOT EXISTS (SELECT 1 FROM plan p WHERE p.data_key = k.id)
	LIMIT $2)

-- name: data_key.delete
DELETE FROM data_key WHERE workspace = $1

-- The rows stay locked until the transaction ends.
-- name: data_key.retire_older
UPDATE data_key SET retired = $4
WHERE retired = 0 AND workspace IN (SELECT workspace FROM data_key WHERE retired = 0 AND created < $1 AND workspace > $2 ORDER BY workspace LIMIT $3)
RETURNING id, organization, workspace, master, sealed

-- name: data_key.newest
SELECT COALESCE(MAX(created), 0) FROM data_key WHERE retired = 0

-- name: data_key.masters
SELECT master, count(*) FROM data_key GROUP BY master

-- name: data_key.under_other_master
SELECT id, organization, workspace, master, sealed FROM data_key WHERE master <> $1 AND id > $2 ORDER BY id LIMIT $3

-- name: data_key.rewrap
UPDATE data_key SET master = $2, sealed = $3 WHERE id = $1 AND master = $4

-- name: rotation.begin
INSERT INTO rotation (id, started) VALUES (1, $1) ON CONFLICT (id) DO UPDATE SET started = excluded.started WHERE rotation.started < $2

-- name: rotation.started
SELECT started FROM rotation WHERE id = 1

-- name: rotation.end
DELETE FROM rotation WHERE id = 1
