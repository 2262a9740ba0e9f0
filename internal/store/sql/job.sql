-- name: job.create
INSERT INTO job (id, organization, workspace, kind, state, actor, error, created, finished) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: job.get
SELECT id, organization, workspace, kind, state, actor, error, created, finished FROM job WHERE organization = $1 AND id = $2

-- name: job.running
SELECT id, organization, workspace, kind, state, actor, error, created, finished FROM job WHERE state = 'running' ORDER BY id

-- name: job.finish
UPDATE job SET state = $3, error = $4, finished = $5 WHERE organization = $1 AND id = $2 AND state = 'running'

-- name: job.forget
DELETE FROM job WHERE id IN (SELECT id FROM job WHERE finished > 0 AND finished <= $1 LIMIT $2)

-- name: job.list
SELECT id, organization, workspace, kind, state, actor, error, created, finished FROM job
WHERE organization = $1 AND ($2 = '' OR workspace = $2) AND ($3 = '' OR state = $3) AND id > $4 ORDER BY id LIMIT $5
