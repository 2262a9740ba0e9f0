-- name: plan.create
INSERT INTO plan (id, organization, workspace, digest, state, answered_by, answered, data_key, sealed, created, expires)
VALUES ($1, $2, $3, $4, 'pending', '', 0, $5, $6, $7, $8)

-- name: plan.organization
SELECT organization FROM workspace WHERE id = $1 AND deleted = 0

-- name: plan.count
SELECT count(*) FROM plan WHERE workspace = $1 AND state = 'pending' AND expires > $2

-- name: plan.of_digest
SELECT p.id, p.organization, p.workspace, p.digest, p.state, p.answered_by, p.answered, p.created, p.expires, p.sealed, k.id, k.organization, k.workspace, k.master, k.sealed
FROM plan p JOIN data_key k ON k.id = p.data_key WHERE p.workspace = $1 AND p.digest = $2 AND p.expires > $3

-- name: plan.get
SELECT p.id, p.organization, p.workspace, p.digest, p.state, p.answered_by, p.answered, p.created, p.expires, p.sealed, k.id, k.organization, k.workspace, k.master, k.sealed
FROM plan p JOIN data_key k ON k.id = p.data_key WHERE p.workspace = $1 AND p.id = $2 AND p.expires > $3

-- name: plan.any
SELECT p.id, p.organization, p.workspace, p.digest, p.state, p.answered_by, p.answered, p.created, p.expires, p.sealed, k.id, k.organization, k.workspace, k.master, k.sealed
FROM plan p JOIN data_key k ON k.id = p.data_key WHERE p.id = $1 AND (p.workspace = $2 OR $2 = '')

-- name: plan.list
SELECT p.id, p.organization, p.workspace, p.digest, p.state, p.answered_by, p.answered, p.created, p.expires, p.sealed, k.id, k.organization, k.workspace, k.master, k.sealed
FROM plan p JOIN data_key k ON k.id = p.data_key WHERE p.workspace = $1 AND p.expires > $2 AND p.id > $3 ORDER BY p.id LIMIT $4

-- name: plan.answer
UPDATE plan SET state = $5, answered_by = $6, answered = $7
WHERE organization = $1 AND workspace = $2 AND id = $3 AND digest = $4 AND state = 'pending' AND expires > $7

-- name: plan.use
UPDATE plan SET state = 'used' WHERE workspace = $1 AND id = $2 AND digest = $3 AND state = 'approved' AND expires > $4

-- name: plan.delete
DELETE FROM plan WHERE workspace = $1

-- name: plan.forget
DELETE FROM plan WHERE id IN (SELECT id FROM plan WHERE expires <= $1 LIMIT $2)
