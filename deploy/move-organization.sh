#!/bin/sh
# Copies an organization from one database of agenthost serve to another one with the same master key, and
# ends it in the first one: docs/scaling.md says when. Run it while nobody calls for the organization.
#
#   move-organization.sh FROM TO ORGANIZATION
#
# FROM and TO are connection strings for psql, and ORGANIZATION is an id. Its audit trail, its jobs, its links
# and plans that wait stay where they are.
set -eu
test $# = 3 || { echo "usage: $0 FROM TO ORGANIZATION" >&2; exit 2; }
from=$1 to=$2 id=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
say() { printf '%s\n' "$@"; }
sql() { psql -X -q -v ON_ERROR_STOP=1 -v id="$id" "$@"; }

# The tables, each after those that it refers to, and which rows of it belong to the organization.
own="organization = :'id'"
of="connection IN (SELECT id FROM connection WHERE organization = :'id')"
tables="organization application workspace data_key workspace_token connection credential token idempotency"
rows() {
	case $1 in
	organization) echo "id = :'id'" ;;
	credential | token) echo "$of" ;;
	*) echo "$own" ;;
	esac
}

{
	say "BEGIN ISOLATION LEVEL REPEATABLE READ;"
	for table in $tables; do
		say "CREATE TEMP VIEW moved_$table AS SELECT * FROM $table WHERE $(rows $table);"
		say "\\copy (SELECT * FROM moved_$table) TO '$dir/$table'"
	done
	say "ROLLBACK;"
} | sql "$from"
test -s "$dir/organization" || { echo "there is no organization $id" >&2; exit 1; }

# Nodes read what has a newer revision than what they know, with their next two beats.
revisions="UPDATE connection SET revision = r.newest + n.row FROM revision r, (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS row FROM connection WHERE $own) n WHERE r.id = 1 AND connection.id = n.id;
UPDATE revision SET newest = GREATEST(newest, (SELECT MAX(revision) FROM connection)) + 1 WHERE id = 1;"
{
	say "BEGIN; SELECT newest FROM revision WHERE id = 1 FOR UPDATE \\g /dev/null"
	for table in $tables; do
		say "\\copy $table FROM '$dir/$table'"
	done
	say "$revisions COMMIT;"
} | sql "$to"

{
	say "BEGIN; SELECT newest FROM revision WHERE id = 1 FOR UPDATE \\g /dev/null"
	say "UPDATE connection SET deleted = updated WHERE $own AND deleted = 0;"
	say "$revisions"
	say "DELETE FROM credential WHERE $of; DELETE FROM token WHERE $of;"
	say "DELETE FROM workspace_token WHERE $own; DELETE FROM application WHERE $own; COMMIT;"
} | sql "$from"
