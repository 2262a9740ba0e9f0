-- name: node.beat
INSERT INTO node (id, place, started, beat) VALUES ($1, $2, clock_ms(), clock_ms())
ON CONFLICT (id) DO UPDATE SET beat = clock_ms()

-- Where this node is among all, by their ids, and where those are that were not heard of for a while.
-- name: node.members
SELECT n.rank, n.known, n.silent, r.newest
FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS rank, COUNT(*) OVER () AS known, CASE WHEN id <> $1 AND beat <= clock_ms() - $2 THEN 1 ELSE 0 END AS silent FROM node) n
JOIN revision r ON r.id = 1
WHERE n.id = $1 OR n.silent = 1
ORDER BY n.rank

-- Both in one statement, for nodes that are far from the database. A node sees itself as it was before.
-- name: node.beat_members (PostgreSQL)
WITH beaten AS (
	INSERT INTO node (id, place, started, beat) VALUES ($1, $3, clock_ms(), clock_ms())
	ON CONFLICT (id) DO UPDATE SET beat = clock_ms()
)
SELECT n.rank, n.known, n.silent, r.newest
FROM (SELECT id, ROW_NUMBER() OVER (ORDER BY id) - 1 AS rank, COUNT(*) OVER () AS known, CASE WHEN id <> $1 AND beat <= clock_ms() - $2 THEN 1 ELSE 0 END AS silent FROM node) n
JOIN revision r ON r.id = 1
WHERE n.id = $1 OR n.silent = 1
ORDER BY n.rank

-- name: node.replaced
DELETE FROM node WHERE place = $2 AND id <> $1

-- name: node.leave
DELETE FROM node WHERE id = $1

-- name: node.forget
DELETE FROM node WHERE beat <= clock_ms() - $1

-- name: node.forget_all
DELETE FROM node
