package source

import "io/fs"

// ModeProblem says why a file with a secret is not kept well enough, and "" where it is.
// The rule is that nobody but the owner may read it or write to it, with one exception:
// a group may read a file that belongs to somebody else than the reader, because then
// it was an administrator or an orchestrator who chose that group, and the reader could
// not take it away. Owned says whether the file belongs to the reader.
//
// It looks at Unix permissions; on other systems do not ask.
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
