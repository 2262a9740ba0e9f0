-- name: operator_token.create
INSERT INTO operator_token (id, name, role, digest, created, expires, revoked, used) VALUES ($1, $2, $3, $4, $5, $6, 0, 0)

-- name: operator_token.by_digest
SELECT id, name, role, created, expires, revoked, used FROM operator_token WHERE digest = $1 AND revoked = 0 AND expires > $2

-- name: operator_token.get
SELECT id, name, role, created, expires, revoked, used FROM operator_token WHERE id = $1

-- name: operator_token.list
SELECT id, name, role, created, expires, revoked, used FROM operator_token WHERE id > $1 ORDER BY id LIMIT $2

-- name: operator_token.count
SELECT COUNT(*) FROM operator_token WHERE revoked = 0 AND expires > $1

-- name: operator_token.revoke
UPDATE operator_token SET revoked = $2 WHERE id = $1 AND revoked = 0

-- name: operator_token.revoke_role
UPDATE operator_token SET revoked = $2 WHERE role = $1 AND revoked = 0

-- name: operator_token.used
UPDATE operator_token SET used = $2 WHERE id = $1 AND used < $2

-- What is ended is forgotten when there is another one.
-- name: operator_token.forget
DELETE FROM operator_token WHERE expires <= $1 OR revoked > 0 AND revoked <= $1
