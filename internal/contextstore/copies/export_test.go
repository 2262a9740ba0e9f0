package copies

// Behind waits until what runs in the background has ended by itself.
func (c *Copies) Behind() { c.behind.Wait() }
