-- name: token.get
SELECT c.organization, c.workspace, t.version, t.sealed, k.id, k.master, k.sealed
FROM connection c JOIN token t ON t.connection = c.id JOIN data_key k ON k.id = t.data_key
WHERE c.organization = $1 AND ($2 = '' OR c.workspace = $2) AND c.id = $3 AND c.deleted = 0

-- A row of a lease stays as it is until the transaction ends: nobody gets the lease before.
-- name: token.create
INSERT INTO token (connection, version, origins, data_key, sealed, updated)
SELECT $1, 1, $2, $3, $4, $5 WHERE $6 = '' OR EXISTS (SELECT 1 FROM lease WHERE name = $6 AND fence = $7 FOR SHARE)
ON CONFLICT (connection) DO NOTHING

-- name: token.replace
UPDATE token SET version = version + 1, origins = $3, data_key = $4, sealed = $5, updated = $6
WHERE connection = $1 AND version = $2 AND ($7 = '' OR EXISTS (SELECT 1 FROM lease WHERE name = $7 AND fence = $8 FOR SHARE))

-- name: token.idle
SELECT c.id, c.organization, c.workspace, c.name FROM token t JOIN connection c ON c.id = t.connection
WHERE t.connection > $2 AND t.updated < $1 AND c.state = 'ready' AND c.deleted = 0 ORDER BY t.connection LIMIT $3

-- name: token.delete
DELETE FROM token WHERE connection IN (SELECT id FROM connection WHERE workspace = $1 AND ($2 = '' OR id = $2))

-- name: token.of_workspaces
SELECT c.workspace, t.connection, t.origins, t.data_key, t.version, t.updated, t.sealed FROM token t JOIN connection c ON c.id = t.connection
WHERE c.workspace >= $1 AND c.workspace <= $2

-- name: token.reseal
INSERT INTO token (connection, version, origins, data_key, sealed, updated) VALUES {rows}
ON CONFLICT (connection) DO UPDATE SET data_key = excluded.data_key, sealed = excluded.sealed
