-- name: workspace_token.create
INSERT INTO workspace_token (id, organization, workspace, name, scopes, digest, created, expires, revoked, used) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0)

-- name: workspace_token.by_digest
SELECT t.id, t.organization, t.workspace, t.name, t.scopes, t.created, t.expires, t.revoked, t.used, w.status
FROM workspace_token t JOIN workspace w ON w.id = t.workspace
WHERE t.digest = $1 AND t.revoked = 0 AND w.deleted = 0

-- name: workspace_token.list
SELECT id, organization, workspace, name, scopes, created, expires, revoked, used FROM workspace_token
WHERE organization = $1 AND workspace = $2 AND id > $3 ORDER BY id LIMIT $4

-- name: workspace_token.get
SELECT id, organization, workspace, name, scopes, created, expires, revoked, used FROM workspace_token
WHERE organization = $1 AND id = $2 AND ($3 = '' OR workspace = $3)

-- name: workspace_token.count
SELECT COUNT(*) FROM workspace_token WHERE workspace = $1 AND revoked = 0 AND expires > $2

-- name: workspace_token.revoke
UPDATE workspace_token SET revoked = $2 WHERE id = $1 AND revoked = 0

-- name: workspace_token.used
UPDATE workspace_token SET used = $2 WHERE id = $1 AND used < $2

-- What is ended is forgotten when its workspace gets another one.
-- name: workspace_token.forget
DELETE FROM workspace_token WHERE workspace = $1 AND (expires <= $2 OR revoked > 0 AND revoked <= $2)

-- name: workspace_token.delete
DELETE FROM workspace_token WHERE workspace = $1
