-- name: approval.list
SELECT connector, document, updated FROM approval ORDER BY connector LIMIT $1

-- name: approval.put
INSERT INTO approval (connector, document, updated) VALUES ($1, $2, $3)
ON CONFLICT (connector) DO UPDATE SET document = excluded.document, updated = excluded.updated

-- name: approval.delete
DELETE FROM approval WHERE connector = $1
