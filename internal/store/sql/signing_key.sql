-- name: signing_key.create
INSERT INTO signing_key (id, master, sealed, created, retired) VALUES ($1, $2, $3, $4, 0)

-- name: signing_key.list
SELECT id, master, sealed, created, retired FROM signing_key ORDER BY CASE WHEN retired = 0 THEN 0 ELSE 1 END, id DESC LIMIT $1

-- name: signing_key.retire
UPDATE signing_key SET retired = $2 WHERE id <> $1 AND retired = 0

-- name: signing_key.forget
DELETE FROM signing_key WHERE retired > 0 AND retired < $1

-- Whoever had the old master key may know the signing key: the next start of a server makes another one.
-- name: signing_key.rewrap
UPDATE signing_key SET master = $2, sealed = $3, created = 0 WHERE id = $1

-- name: signing_key.masters
SELECT master, count(*) FROM signing_key GROUP BY master
