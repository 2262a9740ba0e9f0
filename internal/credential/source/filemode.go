package source

import "io/fs"

// ModeProblem says what is wrong with the Unix permissions of a file with a secret, or "". Only
// the owner may read or write it, with one exception: a group may read a file that belongs to
// someone else than the reader, because an administrator or an orchestrator chose that group.
// owned says whether the file belongs to the reader.
func ModeProblem(mode fs.FileMode, owned bool) string {
	const groupWrite, groupRead, others = 0o020, 0o040, 0o007
	switch perm := mode.Perm(); {
	case perm&others != 0:
		return "every user of this machine may read the file or write to it"
	case perm&groupWrite != 0:
		return "its group may write to the file"
	case perm&groupRead != 0 && owned:
		return "its group may read the file"
	}
	return ""
}
