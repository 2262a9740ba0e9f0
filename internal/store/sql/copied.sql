-- Who keeps copies of the records of which connections.

-- The row stays locked until the transaction ends.
-- name: copied.searched
INSERT INTO copied (connection, organization, workspace, job, searched) VALUES ($1, $2, $3, '', $4)
ON CONFLICT (connection) DO UPDATE SET searched = excluded.searched RETURNING job

-- name: copied.kept_by
UPDATE copied SET job = $2 WHERE connection = $1

-- name: copied.get
SELECT connection, organization, workspace, job, searched FROM copied WHERE connection = $1

-- name: copied.forget
DELETE FROM copied WHERE connection = $1 AND job = $2 AND searched < $3

-- name: copied.idle
SELECT connection, organization, workspace, job, searched FROM copied WHERE searched < $1 ORDER BY searched LIMIT $2

-- name: copied.note
UPDATE copied SET records = $3, synced = $4 WHERE connection = $1 AND job = $2

-- name: copied.totals
SELECT COUNT(*), COALESCE(SUM(records), 0), COALESCE(MIN(synced), 0) FROM copied WHERE synced > 0
