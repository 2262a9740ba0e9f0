-- name: credential.list
SELECT c.organization, c.workspace, r.field, r.sealed, k.id, k.master, k.sealed
FROM connection c JOIN credential r ON r.connection = c.id JOIN data_key k ON k.id = r.data_key
WHERE c.organization = $1 AND ($2 = '' OR c.workspace = $2) AND c.id = $3 AND c.deleted = 0
ORDER BY r.field

-- name: credential.put
INSERT INTO credential (connection, field, origins, data_key, sealed) VALUES ($1, $2, $3, $4, $5)

-- name: credential.delete
DELETE FROM credential WHERE connection IN (SELECT id FROM connection WHERE workspace = $1 AND ($2 = '' OR id = $2))

-- name: credential.of_workspaces
SELECT c.workspace, r.connection, r.field, r.origins, r.data_key, r.sealed FROM credential r JOIN connection c ON c.id = r.connection
WHERE c.workspace >= $1 AND c.workspace <= $2

-- name: credential.reseal
INSERT INTO credential (connection, field, origins, data_key, sealed) VALUES {rows}
ON CONFLICT (connection, field) DO UPDATE SET data_key = excluded.data_key, sealed = excluded.sealed
