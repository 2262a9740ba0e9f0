-- name: connector_file.list
SELECT name, digest, size, creator, created, master, sealed FROM connector_file ORDER BY name LIMIT $1

-- name: connector_file.get
SELECT name, digest, size, creator, created, master, sealed FROM connector_file WHERE name = $1

-- name: connector_file.count
SELECT count(*) FROM connector_file

-- Somebody may have made the module longer than any that was installed.
-- name: connector_file.module
SELECT m.module FROM connector_file f JOIN connector_module m ON m.name = f.name WHERE f.name = $1 AND f.digest = $2 AND length(m.module) <= $3

-- name: connector_file.add_module
INSERT INTO connector_module (name, module) VALUES ($1, $2)

-- name: connector_file.remove_module
DELETE FROM connector_module WHERE name = $1

-- name: connector_file.create
INSERT INTO connector_file (name, digest, size, creator, created, master, sealed) VALUES ($1, $2, $3, $4, $5, $6, $7)

-- name: connector_file.replace
UPDATE connector_file SET digest = $2, size = $3, creator = $4, created = $5, master = $6, sealed = $7 WHERE name = $1

-- name: connector_file.remove
DELETE FROM connector_file WHERE name = $1

-- name: connector_file.masters
SELECT master, count(*) FROM connector_file GROUP BY master

-- name: connector_file.rewrap
UPDATE connector_file SET master = $2, sealed = $3 WHERE name = $1
