package ashby

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// filePrefix is the path of files. The vendor has them on another host.
const filePrefix = "/files/"

// fileLife is how long the address of a file is valid, in seconds. The vendor's is not documented.
const fileLife = 15 * 60

// fileInfo answers an address from which the file can be fetched for a while, without the API key and without a redirect.
func fileInfo(c *call) (result, *apiError) {
	r := c.v.store.files.Get(c.body.Text("fileHandle"))
	if r == nil {
		return result{}, refuse("file_not_found", "There is no file with this handle")
	}
	expires := c.now.Unix() + fileLife
	signature := c.v.tokens.Encode(contract.ScopeOf("file", r.ID), contract.Position{At: expires})
	return value(map[string]any{"url": c.origin + filePrefix + r.ID + "?signature=" + signature})
}

// serveFile serves addresses that fileInfo made. It refuses a request with an API key: a client that sends its key to a
// file store has leaked it.
func (v *Vendor) serveFile(w http.ResponseWriter, r *http.Request, id string) {
	if r.Header.Get("Authorization") != "" {
		http.Error(w, "credentials are not accepted here", http.StatusBadRequest)
		return
	}
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		http.Error(w, "only GET", http.StatusMethodNotAllowed)
		return
	}
	p, fault := v.tokens.Decode(contract.ScopeOf("file", id), r.URL.Query().Get("signature"))
	if fault != contract.CursorOK || v.now().Unix() > p.At {
		http.Error(w, "the address is not valid, or no longer", http.StatusForbidden)
		return
	}
	v.mu.RLock()
	f := v.store.files.Get(id)
	v.mu.RUnlock()
	if f == nil {
		http.Error(w, "no such file", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.Val.ContentType)
	h.Set("Content-Length", strconv.Itoa(len(f.Val.Content)))
	h.Set("Content-Disposition", `attachment; filename="`+strings.ReplaceAll(f.Val.Name, `"`, "")+`"`)
	_, _ = io.WriteString(w, f.Val.Content)
}
