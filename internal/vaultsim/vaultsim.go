// Package vaultsim is a simulated HashiCorp Vault or OpenBao, as far as the KV engine and
// a token go.
//
// It answers as its documentation says:
// https://developer.hashicorp.com/vault/api-docs#http-status-codes,
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v1 and .../kv-v2. The
// question where an engine is mounted is the one that the command vault kv asks first.
package vaultsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Vault is a simulated server. It serves one request at a time.
type Vault struct {
	Token, Namespace string
	// Mounts by path, with a slash at the end.
	Mounts map[string]Mount
	// Old says that it does not know where engines are mounted.
	Old bool
	// Override answers in the Vault's place.
	Override http.HandlerFunc

	mu     sync.Mutex
	seen   []string
	header http.Header
}

// Mount is a secrets engine. Kind is kv, generic or another engine's name.
type Mount struct {
	Kind, Version string
	// Secrets are JSON objects of the fields, by path.
	Secrets map[string]string
	// Deleted are the paths whose newest version was deleted.
	Deleted map[string]bool
}

// Seen returns the requests so far, as "GET /v1/secret/data/pylon".
func (v *Vault) Seen() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.seen)
}

// Header returns the header of the last request.
func (v *Vault) Header() http.Header {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.header
}

func (v *Vault) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = append(v.seen, r.Method+" "+r.URL.Path)
	v.header = r.Header.Clone()
	if v.Override != nil {
		v.Override(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("X-Vault-Token") != v.Token || r.Header.Get("X-Vault-Namespace") != v.Namespace {
		Fail(w, 403, "permission denied", "invalid token")
		return
	}
	path, _ := strings.CutPrefix(r.URL.Path, "/v1/")
	if asked, ok := strings.CutPrefix(path, "sys/internal/ui/mounts/"); ok {
		v.preflight(w, asked)
		return
	}
	for at, m := range v.Mounts {
		if rest, ok := strings.CutPrefix(path, at); ok {
			m.serve(w, rest)
			return
		}
	}
	Fail(w, 404, `no handler for route "`+path+`". route entry not found.`)
}

func (v *Vault) preflight(w http.ResponseWriter, path string) {
	if v.Old {
		Fail(w, 404)
		return
	}
	for at, m := range v.Mounts {
		if strings.HasPrefix(path, at) {
			var options any
			if m.Version != "" {
				options = map[string]string{"version": m.Version}
			}
			Answer(w, map[string]any{"path": at, "type": m.Kind, "options": options, "accessor": "kv_1", "description": ""})
			return
		}
	}
	Fail(w, 403, "preflight capability check returned 403, please ensure client's policies grant access to path \""+path+"/\"")
}

func (m Mount) serve(w http.ResponseWriter, path string) {
	if m.Version != "2" {
		fields, ok := m.Secrets[path]
		if !ok {
			Fail(w, 404)
			return
		}
		Answer(w, json.RawMessage(fields))
		return
	}
	path, ok := strings.CutPrefix(path, "data/")
	fields, known := m.Secrets[path]
	metadata := map[string]any{"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": false, "version": 3}
	switch {
	case !ok:
		Fail(w, 404, "Invalid path for a versioned K/V secrets engine.")
	case m.Deleted[path]:
		metadata["deletion_time"] = "2026-02-01T00:00:00Z"
		w.WriteHeader(404)
		Answer(w, map[string]any{"data": nil, "metadata": metadata})
	case !known:
		Fail(w, 404)
	default:
		Answer(w, map[string]any{"data": json.RawMessage(fields), "metadata": metadata})
	}
}

// Answer writes an answer around data.
func Answer(w http.ResponseWriter, data any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"request_id": "0f", "lease_id": "", "renewable": false, "lease_duration": 2764800, "data": data, "wrap_info": nil, "warnings": nil, "auth": nil})
}

// Fail writes an error.
func Fail(w http.ResponseWriter, status int, errors ...string) {
	w.WriteHeader(status)
	if errors == nil {
		errors = []string{}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": errors})
}
