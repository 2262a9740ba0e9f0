package fault

// measure knows one folded name of at most [maxName] letters, and tells how far others are
// from it. It holds a column of the usual table of distances as bits, one for each letter
// of the name, so that a letter of the other name costs a few operations and no memory:
// H. Hyyrö, A Bit-Vector Algorithm for Computing Levenshtein and Damerau Edit Distances,
// 2003.
type measure struct {
	length int
	ascii  [128]uint64     // where in the name a letter is; of letters before they are folded too
	others map[rune]uint64 // the same, of folded letters that are not ASCII
}

func newMeasure(folded []byte) *measure {
	m := &measure{others: make(map[rune]uint64)}
	for _, r := range string(folded) {
		bit := uint64(1) << m.length
		m.length++
		if r < 128 {
			m.ascii[r] |= bit
		} else {
			m.others[r] |= bit
		}
	}
	for r := range rune(128) {
		m.ascii[r] = m.ascii[fold(r)]
	}
	return m
}

// distance is the optimal string alignment distance between the name and another one: how
// many insertions, deletions, substitutions and swaps of neighbours turn one into the
// other.
func (m *measure) distance(other string) int {
	distance, last := m.length, uint64(1)<<(m.length-1)
	// One bit for each letter of the name: whether the distance grows or falls from the
	// row before, and whether it stays as it was in the diagonal.
	var up, down, same uint64 = 1<<m.length - 1, 0, 0
	var before uint64 // where the other name's letter before is
	for _, r := range other {
		at := m.at(r)
		swap := ((^same & at) << 1) & before
		same = ((at&up + up) ^ up) | at | down | swap
		right, left := down|^(same|up), same&up // from the column before
		switch {
		case right&last != 0:
			distance++
		case left&last != 0:
			distance--
		}
		right = right<<1 | 1
		up, down = left<<1|^(same|right), right&same
		before = at
	}
	return distance
}

// at is where in the name a letter is, or one that folds to the same.
func (m *measure) at(r rune) uint64 {
	if r >= 128 {
		if r = fold(r); r >= 128 {
			return m.others[r]
		}
	}
	return m.ascii[r]
}
