-- name: login.begin
INSERT INTO login (state, browser, target, expires) VALUES ($1, $2, $3, $4)

-- name: login.count
SELECT COUNT(*) FROM login WHERE expires > $1

-- name: login.take
DELETE FROM login WHERE state = $1 AND browser = $2 AND expires > $3 RETURNING target

-- name: login.forget
DELETE FROM login WHERE expires <= $1

-- name: login_session.create
INSERT INTO login_session (digest, issuer, subject, organization, workspace, role, created, used, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8)

-- name: login_session.get
SELECT issuer, subject, organization, workspace, role, created, used, expires FROM login_session WHERE digest = $1 AND expires > $2 AND used > $3

-- name: login_session.used
UPDATE login_session SET used = $2 WHERE digest = $1 AND used < $2

-- name: login_session.end
DELETE FROM login_session WHERE digest = $1

-- name: login_session.forget
DELETE FROM login_session WHERE expires <= $1 OR used <= $2

-- name: login_session.delete
DELETE FROM login_session WHERE workspace = $1
