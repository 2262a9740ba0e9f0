package tool

// Progress is how far a call has come.
type Progress struct {
	// Requests is how many were made to the vendor, failed and repeated ones included.
	Requests int
	// Records is how many were collected, in a call that collects pages.
	Records int
}

// progress keeps count for whoever wants to be told. A nil one keeps none.
type progress struct {
	tell  func(Progress)
	sofar Progress
}

func (o callOptions) follow() *progress {
	if o.progress == nil {
		return nil
	}
	return &progress{tell: o.progress}
}

// onRequest is for [Call.OnRequest].
func (p *progress) onRequest() func() {
	if p == nil {
		return nil
	}
	return func() {
		p.sofar.Requests++
		p.tell(p.sofar)
	}
}

func (p *progress) page(records int) {
	if p != nil {
		p.sofar.Records = records
		p.tell(p.sofar)
	}
}
