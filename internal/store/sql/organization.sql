-- name: organization.create
INSERT INTO organization (id, name, created) VALUES ($1, $2, $3)

-- name: organization.get
SELECT id, name, created FROM organization WHERE id = $1

-- name: organization.list
SELECT id, name, created FROM organization WHERE id > $1 AND ($3 = '' OR name = $3) ORDER BY id LIMIT $2

-- name: organization.rename
UPDATE organization SET name = $2 WHERE id = $1
