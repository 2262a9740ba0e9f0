-- River's row says how far a job is. Where there is no such row, the job was done in a transaction.

-- name: job.create
INSERT INTO job (id, organization, workspace, kind, object, state, actor, river, error, created, finished, cancelled) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', $9, $10, 0)

-- name: job.get
{jobs} AND job.organization = $1 AND job.id = $2

-- name: job.of
{jobs} AND job.id = $1

-- name: job.list
SELECT * FROM ({jobs} AND job.organization = $1 AND ($2 = '' OR job.workspace = $2) AND job.id > $4) found
WHERE ($3 = '' OR state = $3) ORDER BY id LIMIT $5

-- name: job.done
UPDATE job SET finished = $2 WHERE id = $1

-- name: job.cancel
UPDATE job SET cancelled = $2 WHERE id = $1

-- A process that was killed left them.
-- name: job.interrupted
UPDATE river_job SET state = 'available' WHERE state = 'running'

-- Those of nodes that are gone.
-- name: job.abandoned (PostgreSQL)
UPDATE river_job SET state = 'available' WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] NOT IN (SELECT id FROM node)

-- name: job.no_leader
DELETE FROM river_leader

-- name: job.forget
DELETE FROM job WHERE id IN (SELECT job.id FROM job LEFT JOIN river_job ON river_job.id = job.river
	WHERE job.id < $1 AND (river_job.id IS NULL OR river_job.finalized_at IS NOT NULL) LIMIT $2)
