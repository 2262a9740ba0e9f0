package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// serveWorkspace starts agenthost serve with a workspace that has the same connections as a
// configuration of agenthost mcp, and makes a token of the workspace. The caller calls stop.
func (r *runner) serveWorkspace(ctx context.Context, name string, v *vendor) (url, token string, stop func(), err error) {
	folder := filepath.Join(r.folder, name)
	config, data := folder+".yaml", filepath.Join(folder, "data")
	// Without searches in copies, which are tools, too: what clients list is compared with the tools of agenthost mcp,
	// which keeps no copies.
	text := fmt.Sprintf("plugins: %q\ncache: %q\nserve:\n  context_store: false\n  mcp: {form: operations}\n  connectors:\n    pylon: {server: %q}\n", r.plugins, filepath.Join(r.folder, "cache"), v.URL)
	if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(config, []byte(text), 0o600)); err != nil {
		return "", "", nil, err
	}
	url, stop, err = r.start(ctx, []string{r.agenthost, "serve", "--config", config, "--http", "127.0.0.1:0", "--data", data}, nil)
	if err != nil {
		return "", "", nil, err
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	if err := connect(ctx, url, filepath.Join(data, "bootstrap.json"), v.token); err != nil {
		return "", "", nil, err
	}
	made, err := exec.CommandContext(ctx, r.agenthost, "workspace", "token", "default", "--config", config, "--data", data, "--name", name).Output() //nolint:gosec // the program of the Makefile
	return url + "/mcp", strings.TrimSpace(string(made)), stop, err
}

// connect makes the connections of a server's first workspace.
func connect(ctx context.Context, url, bootstrap, pylon string) error {
	text, err := os.ReadFile(bootstrap)
	if err != nil {
		return err
	}
	var first struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := json.Unmarshal(text, &first); err != nil {
		return err
	}
	if text, err = json.Marshal(first); err != nil { //nolint:gosec // the server of this run wants it
		return err
	}
	var token struct {
		Text string `json:"access_token"`
	}
	if err := send(ctx, url+"/api/v1/account/applications/token", "", text, &token); err != nil {
		return err
	}
	for name, c := range map[string][3]string{"support": {"Pylon", "api_token", pylon}, "hiring": {"Ashby", "api_key", "none"}, "oncall": {"incident-io", "api_key", "none"}} {
		body, err := json.Marshal(map[string]any{"workspace_name": "default", "name": name, "connector_type": c[0], "credentials": map[string]string{c[1]: c[2]}})
		if err != nil {
			return err
		}
		if err := send(ctx, url+"/api/v1/integrations/connectors", token.Text, body, new(struct{})); err != nil {
			return err
		}
	}
	return nil
}

// send sends JSON to the server, and reads its answer.
func send(ctx context.Context, url, token string, body []byte, into any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("%s answers %s", req.URL.Path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
