package main

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/rogpeppe/go-internal/testscript"
)

// tenantsCommand starts a vendor that has a server for each name under example.com, and a proxy
// that leads to it; sets $PROXY, and writes ca.pem. The vendor answers with what it was asked; its
// tokens come with the server own.example.com.
//
//	tenants
func tenantsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: tenants")
	}
	vendor := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/token" {
			_, _ = io.WriteString(w, `{"access_token":"CANARYaccess","token_type":"Bearer","instance_url":"https://own.example.com"}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": []map[string]string{{
			"id": "1", "host": r.Host, "path": r.URL.Path, "tenant": r.Header.Get("X-Tenant"), "key": r.Header.Get("X-Api-Key") + r.Header.Get("Authorization"),
		}}})
	}))
	ts.Defer(vendor.Close)
	proxy := httptest.NewServer(&tunnels{to: vendor.Listener.Addr().String()})
	ts.Defer(proxy.Close)
	ts.Setenv("PROXY", proxy.URL)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: vendor.Certificate().Raw})
	ts.Check(os.WriteFile(ts.MkAbs("ca.pem"), ca, 0o600))
}
