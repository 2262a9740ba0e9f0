-- A record that was delivered before, as after a crash, is left as it is.
-- name: audit.add
INSERT INTO audit (id, event, organization, workspace, record) VALUES {rows} ON CONFLICT (id, event) DO NOTHING

-- name: audit.list
SELECT id, event, organization, workspace, record FROM audit
WHERE organization = $1 AND ($2 = '' OR workspace = $2) AND (id, event) > ($3, $4)
ORDER BY id, event LIMIT $5

-- name: audit.forget
DELETE FROM audit WHERE (id, event) IN (SELECT id, event FROM audit WHERE id < $1 ORDER BY id LIMIT $2)
