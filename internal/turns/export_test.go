package turns

// Free is how many slots are free, with nobody waiting.
func (t *Turns) Free() int { return int(t.free.Load()) }
