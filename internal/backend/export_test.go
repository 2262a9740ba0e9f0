package backend

// Known is how many workspaces are known.
func (ws *Workspaces) Known() int {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return len(ws.all)
}
