-- A hint without a revision.
-- name: notice.send
SELECT NOTIFIED('', $1)

-- name: revision.newest
SELECT newest FROM revision WHERE id = 1

-- name: revision.leap
UPDATE revision SET newest = $1 WHERE id = 1 AND newest < $1
