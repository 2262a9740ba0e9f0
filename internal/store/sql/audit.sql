-- A record that was delivered before, as after a crash, is left as it is.
-- name: audit.add
INSERT INTO audit (id, event, organization, workspace, record) VALUES {rows} ON CONFLICT (id, event) DO NOTHING

-- The same with a list for each column, so that its text is that of any number of records.
-- name: audit.add_lists (PostgreSQL)
INSERT INTO audit (id, event, organization, workspace, record)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) ON CONFLICT (id, event) DO NOTHING

-- name: audit.list
SELECT id, event, organization, workspace, record FROM audit
WHERE organization = $1 AND (id, event) > ($2, $3)
ORDER BY id, event LIMIT $4

-- name: audit.list_workspace
SELECT id, event, organization, workspace, record FROM audit
WHERE organization = $1 AND (id, event) > ($2, $3) AND workspace = $5
ORDER BY id, event LIMIT $4

-- name: audit.forget
DELETE FROM audit WHERE (id, event) IN (SELECT id, event FROM audit WHERE id < $1 ORDER BY id LIMIT $2)
