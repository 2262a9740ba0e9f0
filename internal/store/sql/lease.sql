-- A fence is at least the time: a lease whose row was forgotten goes on with larger ones.
-- name: lease.acquire
INSERT INTO lease (name, holder, fence, until) VALUES ($1, $2, clock_ms(), clock_ms() + $3)
ON CONFLICT (name) DO UPDATE
SET holder = excluded.holder, fence = CASE WHEN lease.fence < excluded.fence THEN excluded.fence ELSE lease.fence + 1 END, until = clock_ms() + $3
WHERE lease.until <= clock_ms()
RETURNING fence

-- name: lease.renew
UPDATE lease SET until = clock_ms() + $3 WHERE name = $1 AND holder = $2

-- name: lease.release
UPDATE lease SET holder = '', until = clock_ms() WHERE name = $1 AND holder = $2

-- name: lease.end_all
UPDATE lease SET holder = '', until = clock_ms() WHERE until > clock_ms()

-- name: lease.forget
DELETE FROM lease WHERE name IN (SELECT name FROM lease WHERE until <= $1 LIMIT $2)
