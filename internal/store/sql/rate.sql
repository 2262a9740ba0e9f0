-- name: rate.get
SELECT ledger, clock_ms() FROM rate WHERE name = $1 FOR UPDATE

-- name: rate.create
INSERT INTO rate (name, ledger, used) VALUES ($1, '', clock_ms()) ON CONFLICT (name) DO NOTHING

-- name: rate.put
UPDATE rate SET ledger = $2, used = $3 WHERE name = $1

-- name: rate.forget
DELETE FROM rate WHERE name IN (SELECT name FROM rate WHERE used <= $1 LIMIT $2)
