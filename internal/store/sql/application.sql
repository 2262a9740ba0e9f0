-- name: application.create
INSERT INTO application (id, organization, name, digest, return_urls, created, revoked) VALUES ($1, $2, $3, $4, '[]', $5, 0)

-- name: application.authenticate
SELECT id, organization, name, return_urls, created, revoked, digest FROM application WHERE id = $1 AND revoked = 0

-- name: application.get
SELECT id, organization, name, return_urls, created, revoked FROM application WHERE organization = $1 AND id = $2

-- name: application.list
SELECT id, organization, name, return_urls, created, revoked FROM application WHERE organization = $1 AND id > $2 ORDER BY id LIMIT $3

-- name: application.revoke
UPDATE application SET revoked = $3 WHERE organization = $1 AND id = $2 AND revoked = 0

-- name: application.return_urls
UPDATE application SET return_urls = $3 WHERE organization = $1 AND id = $2 AND revoked = 0
