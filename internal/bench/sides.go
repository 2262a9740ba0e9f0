package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/agenthost/agenthost/host"
)

// execute is the side of agenthost that hands the answer on, as it came.
func execute(h *host.Host, connection string, call host.Call) side {
	return side{call: func(ctx context.Context) error { _, err := h.Execute(ctx, connection, call); return err }}
}

// executeDecoded decodes the answer too, as plain Go does.
func executeDecoded(h *host.Host, connection string, call host.Call) side {
	return side{call: func(ctx context.Context) error {
		res, err := h.Execute(ctx, connection, call)
		if err != nil {
			return err
		}
		var data any
		return res.Decode(&data)
	}}
}

// plainGo is what somebody would write without agenthost.
type plainGo struct {
	address, token string
	client         *http.Client
}

// newPlainGo returns a client that keeps a connection for each of its callers. Over TLS it
// takes HTTP/2 where the vendor has it.
func newPlainGo(address string, roots *x509.CertPool) plainGo {
	t := &http.Transport{MaxIdleConnsPerHost: 2 * manyCallers}
	if roots != nil {
		t.ForceAttemptHTTP2, t.TLSClientConfig = true, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
	return plainGo{address, token, &http.Client{Transport: t}}
}

func (p plainGo) get(path string) side { return p.side(http.MethodGet, path, nil) }

// post is the side that sends a document, encoded anew each time, and decodes the answer.
func (p plainGo) post(path string, document any) side {
	return p.side(http.MethodPost, path, document)
}

func (p plainGo) side(method, path string, document any) side {
	return side{call: func(ctx context.Context) error {
		body, err := p.send(ctx, method, path, document)
		if err != nil {
			return err
		}
		var answer map[string]any
		return json.Unmarshal(body, &answer)
	}}
}

func (p plainGo) send(ctx context.Context, method, path string, document any) ([]byte, error) {
	var sent io.Reader
	if document != nil {
		text, err := json.Marshal(document)
		if err != nil {
			return nil, err
		}
		sent = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.address+path, sent)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	if document != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d: %s", resp.StatusCode, body)
	}
	return body, err
}
