-- name: master.first
INSERT INTO master (id, current) VALUES (1, $1) ON CONFLICT (id) DO NOTHING

-- The row stays as it is until the transaction ends: what it seals is sealed with the current key.
-- name: master.current
SELECT current FROM master WHERE id = 1 FOR SHARE

-- name: master.use
UPDATE master SET current = $1 WHERE id = 1 AND current <> $1
