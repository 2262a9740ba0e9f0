package rawjson

// The steps of a walk that does more than check, as [Decode] and [Pointer] do. The
// scanner's own object and array have the same steps written out, because what a vendor
// sends passes through them: as calls they take a fifth longer.

// name checks the name of a member at i, and returns the offsets of its value and of the
// end of the name.
func (s *scanner) name(i int) (value, end int, err error) {
	if i >= len(s.data) || s.data[i] != '"' {
		end, err = s.fail(i, "expected a member name")
		return end, end, err
	}
	if end, err = s.text(i); err != nil {
		return end, end, err
	}
	colon := s.space(end)
	if colon >= len(s.data) || s.data[colon] != ':' {
		end, err = s.fail(colon, "expected a colon")
		return end, end, err
	}
	return s.space(colon + 1), end, nil
}

// more looks behind a value that ends at i: at the end of what holds it, or at the next
// value. It returns the offset after the end, or of that value.
func (s *scanner) more(i int, closing byte, want string) (ended bool, next int, err error) {
	i = s.space(i)
	switch {
	case i >= len(s.data):
		i, err = s.fail(i, "")
		return false, i, err
	case s.data[i] == closing:
		return true, i + 1, nil
	case s.data[i] != ',':
		i, err = s.fail(i, want)
		return false, i, err
	}
	return false, s.space(i + 1), nil
}

// stepBytes is how far the scanner reads between two steps, in bytes: a few microseconds.
const stepBytes = 4096

// pass tells step how far the scanner has read, where that is far enough, and returns i.
// Where step wants no more it returns the end of the text, where every reader ends.
func (s *scanner) pass(i int) int {
	if s.step == nil || i-s.told < stepBytes {
		return i
	}
	return s.tell(i)
}

func (s *scanner) tell(i int) int {
	if s.stopped == nil && i > s.told {
		read := i - s.told
		s.told = i
		s.stopped = s.step(read)
	}
	if s.stopped != nil {
		return len(s.data)
	}
	return i
}

// finish tells step of what is left of the text, read or not, so that a text costs the same
// however it ends. It returns the error of step, or else err.
func (s *scanner) finish(err error) error {
	if s.step != nil {
		s.tell(len(s.data))
	}
	if s.stopped != nil {
		return s.stopped
	}
	return err
}
