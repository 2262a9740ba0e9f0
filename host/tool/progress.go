package tool

// Progress describes the progress of a call.
type Progress struct {
	// Requests is the number of requests to the vendor, including failures and retries.
	Requests int
	// Records is the number of records so far, in a call that collects pages.
	Records int
	// Compiling is the connector that the call waits for while it is compiled, or empty. The
	// first use of a connector on a machine takes about a second.
	Compiling string
}

// progress keeps count for a caller that wants to be told. A nil one does not count.
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

// onCompile is for [Call.OnCompile].
func (p *progress) onCompile() func(connector string) {
	if p == nil {
		return nil
	}
	return func(connector string) {
		now := p.sofar
		now.Compiling = connector
		p.tell(now)
	}
}

func (p *progress) page(records int) {
	if p != nil {
		p.sofar.Records = records
		p.tell(p.sofar)
	}
}
