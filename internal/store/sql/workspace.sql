-- name: workspace.create
INSERT INTO workspace (id, organization, name, folded, status, created, updated, deleted) VALUES ($1, $2, $3, $4, $5, $6, $7, 0)

-- name: workspace.get
SELECT id, organization, name, status, created, updated, deleted FROM workspace WHERE organization = $1 AND id = $2 AND deleted = 0

-- name: workspace.by_name
SELECT id, organization, name, status, created, updated, deleted FROM workspace WHERE organization = $1 AND name = $2 AND deleted = 0

-- name: workspace.list
SELECT id, organization, name, status, created, updated, deleted FROM workspace
WHERE organization = $1 AND id > $2 AND deleted = 0 AND ($3 = '' OR id = $3) AND ($4 = '' OR status = $4) AND ($5 = '' OR folded LIKE $5 ESCAPE '\')
ORDER BY id LIMIT $6

-- name: workspace.update
UPDATE workspace SET name = $3, folded = $4, status = $5, updated = $6 WHERE organization = $1 AND id = $2 AND deleted = 0

-- name: workspace.delete
UPDATE workspace SET name = '', folded = '', status = 'inactive', updated = $3, deleted = $3 WHERE organization = $1 AND id = $2 AND deleted = 0

-- name: workspace.forget
DELETE FROM workspace WHERE id IN (
	SELECT id FROM workspace w WHERE deleted > 0 AND deleted <= $1
	AND NOT EXISTS (SELECT 1 FROM connection c WHERE c.workspace = w.id)
	LIMIT $2)
