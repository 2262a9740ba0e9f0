-- name: connect_link.create
INSERT INTO connect_link (id, organization, workspace, connection, application, return_url, state, token, turn, tries, origins, created, expires)
VALUES ($1, $2, $3, $4, $5, $6, 'new', $7, 0, 0, '', $8, $9)

-- name: connect_link.get
SELECT id, organization, workspace, connection, application, return_url, state, turn, created, expires FROM connect_link
WHERE organization = $1 AND ($2 = '' OR workspace = $2) AND id = $3 AND expires > $4

-- name: connect_link.of_connection
SELECT id, organization, workspace, connection, application, return_url, state, turn, created, expires FROM connect_link
WHERE organization = $1 AND connection = $2 AND expires > $3

-- name: connect_link.by_token
SELECT id, organization, workspace, connection, application, return_url, state, turn, created, expires FROM connect_link
WHERE token = $1 AND expires > $2

-- name: connect_link.by_session
SELECT id, organization, workspace, connection, application, return_url, state, turn, created, expires FROM connect_link
WHERE session = $1 AND expires > $2

-- name: connect_link.open
UPDATE connect_link SET state = 'opened', session = $2, expires = $3 WHERE token = $1 AND state = 'new' AND expires > $4

-- name: connect_link.turn
UPDATE connect_link SET turn = turn + 1 WHERE session = $1 AND turn = $2 AND state = 'opened' AND expires > $3

-- name: connect_link.fill
UPDATE connect_link SET state = 'filled', code = $2, origins = $3, data_key = $4, sealed = $5, expires = $6 WHERE session = $1 AND state = 'opened' AND expires > $7

-- name: connect_link.filling
SELECT l.code, l.tries, l.origins, l.sealed, k.id, k.organization, k.workspace, k.master, k.sealed
FROM connect_link l JOIN data_key k ON k.id = l.data_key
WHERE l.id = $1 AND l.state = 'filled' AND l.expires > $2

-- name: connect_link.wrong
UPDATE connect_link SET tries = tries + 1 WHERE id = $1

-- name: connect_link.confirm
UPDATE connect_link SET state = 'confirmed', code = NULL, origins = '', data_key = NULL, sealed = NULL WHERE id = $1 AND state = 'filled'

-- name: connect_link.end
DELETE FROM connect_link WHERE id = $1

-- name: connect_link.delete
DELETE FROM connect_link WHERE workspace = $1 AND ($2 = '' OR connection = $2)

-- name: connect_link.forget
DELETE FROM connect_link WHERE id IN (SELECT id FROM connect_link WHERE expires <= $1 LIMIT $2)
