-- A hint without a revision.
-- name: notice.send
SELECT NOTIFIED('', $1)

-- name: revision.newest
SELECT newest FROM revision WHERE id = 1
