package vault

import (
	"encoding/json"
	"net/http"
	"strings"
)

// simulated is a Vault, or an OpenBao, as its API documentation describes it:
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v1, .../kv-v2,
// https://developer.hashicorp.com/vault/api-docs#http-status-codes, and what
// `vault kv get -output-curl-string` asks for.
type simulated struct {
	token, namespace string
	mounts           map[string]mount // by path, with a slash at the end
	old              bool             // knows nothing of sys/internal/ui/mounts
	seen             []string
	header           http.Header // of the last request
	override         http.HandlerFunc
}

type mount struct {
	kind, version string
	secrets       map[string]string // JSON of the fields, by path
	deleted       map[string]bool
}

func (v *simulated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.seen = append(v.seen, r.Method+" "+r.URL.Path)
	v.header = r.Header.Clone()
	if v.override != nil {
		v.override(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("X-Vault-Token") != v.token || r.Header.Get("X-Vault-Namespace") != v.namespace {
		fail(w, 403, "permission denied", "invalid token")
		return
	}
	path, _ := strings.CutPrefix(r.URL.Path, "/v1/")
	if asked, ok := strings.CutPrefix(path, "sys/internal/ui/mounts/"); ok {
		v.preflight(w, asked)
		return
	}
	for at, m := range v.mounts {
		if rest, ok := strings.CutPrefix(path, at); ok {
			m.serve(w, rest)
			return
		}
	}
	fail(w, 404, `no handler for route "`+path+`". route entry not found.`)
}

func (v *simulated) preflight(w http.ResponseWriter, path string) {
	if v.old {
		fail(w, 404)
		return
	}
	for at, m := range v.mounts {
		if strings.HasPrefix(path, at) {
			var options any
			if m.version != "" {
				options = map[string]string{"version": m.version}
			}
			answerWith(w, map[string]any{"path": at, "type": m.kind, "options": options, "accessor": "kv_1", "description": ""})
			return
		}
	}
	fail(w, 403, "preflight capability check returned 403, please ensure client's policies grant access to path \""+path+"/\"")
}

func (m mount) serve(w http.ResponseWriter, path string) {
	if m.version != "2" {
		fields, ok := m.secrets[path]
		if !ok {
			fail(w, 404)
			return
		}
		answerWith(w, json.RawMessage(fields))
		return
	}
	path, ok := strings.CutPrefix(path, "data/")
	fields, known := m.secrets[path]
	metadata := map[string]any{"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": false, "version": 3}
	switch {
	case !ok:
		fail(w, 404, "Invalid path for a versioned K/V secrets engine.")
	case m.deleted[path]:
		metadata["deletion_time"] = "2026-02-01T00:00:00Z"
		w.WriteHeader(404)
		answerWith(w, map[string]any{"data": nil, "metadata": metadata})
	case !known:
		fail(w, 404)
	default:
		answerWith(w, map[string]any{"data": json.RawMessage(fields), "metadata": metadata})
	}
}

func answerWith(w http.ResponseWriter, data any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"request_id": "0f", "lease_id": "", "renewable": false, "lease_duration": 2764800, "data": data, "wrap_info": nil, "warnings": nil, "auth": nil})
}

func fail(w http.ResponseWriter, status int, errors ...string) {
	w.WriteHeader(status)
	if errors == nil {
		errors = []string{}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": errors})
}
