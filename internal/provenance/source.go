package provenance

import (
	"slices"
	"time"
)

// Source says where the file of a connector came from, and which came before it.
type Source struct {
	// Reference is what was asked for, with the digest of the manifest that came.
	Reference Reference
	// Signer is who signed it; nobody where no policy had an entry for the connector.
	Signer Signer
	// Previous are the versions that were installed before, the last one at the end.
	Previous []Version
	// Left are the digests of modules that a person went back from. None of them is taken again without a
	// person.
	Left []string
}

// Version is a version of a connector that was installed.
type Version struct {
	// Module is the digest of the module, 64 hexadecimal digits, as grant.Module has it.
	Module, Version string
	// Manifest is the digest of the artifact's manifest.
	Manifest string
	// At is when another one took its place.
	At time.Time
}

// The most that a [Source] keeps.
const (
	MaxPrevious = 20
	MaxLeft     = 20
)

// Next is the source of the version that takes the place of v, which came from s.
func (s *Source) Next(r Reference, by Signer, v Version) *Source {
	next := &Source{Reference: r, Signer: by}
	if s == nil {
		return next
	}
	next.Left = slices.Clone(s.Left)
	// A version is in the list once: where it was installed last.
	next.Previous = slices.DeleteFunc(slices.Clone(s.Previous), func(p Version) bool { return p.Module == v.Module })
	next.Previous = append(next.Previous, v)
	if n := len(next.Previous); n > MaxPrevious {
		next.Previous = next.Previous[n-MaxPrevious:]
	}
	return next
}

// Back is the source of the last version before, which a person goes back to from the module left.
func (s *Source) Back(left string) (to Version, back *Source, ok bool) {
	n := len(s.Previous)
	if n == 0 {
		return Version{}, nil, false
	}
	to = s.Previous[n-1]
	back = &Source{Reference: s.Reference.At(to.Manifest), Previous: slices.Clone(s.Previous[:n-1]), Left: slices.Clone(s.Left)}
	if !slices.Contains(back.Left, left) {
		back.Left = append(back.Left, left)
	}
	if n := len(back.Left); n > MaxLeft {
		back.Left = back.Left[n-MaxLeft:]
	}
	// Who is gone back to counts again.
	back.Left = slices.DeleteFunc(back.Left, func(m string) bool { return m == to.Module })
	return to, back, true
}

// Was reports whether a module was installed before, or was gone back from.
func (s *Source) Was(module string) bool {
	return slices.Contains(s.Left, module) || slices.ContainsFunc(s.Previous, func(v Version) bool { return v.Module == module })
}
