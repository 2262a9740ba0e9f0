INSERT INTO organization (id, name, created) VALUES ('01900000-0000-7000-8000-000000000001', 'an organization', 1764579600000);
INSERT INTO workspace (id, organization, name, folded, status, created, updated, deleted) VALUES ('01900000-0000-7000-8000-000000000003', '01900000-0000-7000-8000-000000000001', 'Acme', 'acme', 'active', 1764579600000, 1764579600000, 0);
UPDATE revision SET newest = 7 WHERE id = 1;
INSERT INTO connection (id, organization, workspace, name, connector, definition, server, config, scheme, state, entities, allow, revision, login, created, updated, deleted)
VALUES ('01900000-0000-7000-8000-000000000004', '01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000003', 'pylon', 'pylon', 'definition', '', '{"region":"eu"}', 'token', 'ready', '[{"entity":"issues","modes":["read"]}]', '', 7, 7, 1764579600000, 1764579600000, 0);
INSERT INTO audit (id, event, organization, workspace, record) VALUES ('01900000-0000-7000-8000-000000000005', 'call', '01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000003', '{}');
INSERT INTO job (id, organization, workspace, kind, state, actor, error, created, finished) VALUES ('01900000-0000-7000-8000-000000000006', '01900000-0000-7000-8000-000000000001', '', 'check', 'succeeded', 'server', '', 1764579600000, 1764579600000);
INSERT INTO lease (name, holder, fence, until) VALUES ('token/01900000-0000-7000-8000-000000000004', 'a node', 1764579600000, 1764579615000);
INSERT INTO node (id, place, started, beat) VALUES ('01900000-0000-7000-8000-000000000007', 'a folder', 1764579600000, 1764579600000);
INSERT INTO copied (connection, organization, workspace, job, searched) VALUES ('01900000-0000-7000-8000-000000000004', '01900000-0000-7000-8000-000000000001', '01900000-0000-7000-8000-000000000003', '01900000-0000-7000-8000-000000000006', 1764579600000);
