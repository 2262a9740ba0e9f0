package client_test

import (
	"context"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/credential/lease"
	"github.com/agenthost/agenthost/internal/seams"
	sim "github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

// pipes is a listener without a network, so that its time can be a test's own.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { close(p); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	server, client := net.Pipe()
	p <- server
	return client, nil
}

// TestVaultHangs leaves time for the token where the vault takes all that it can get.
func TestVaultHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := make(pipes)
		server := &http.Server{Handler: sim.New(sim.Options{ClientID: clientID, ClientSecret: clientSecret}), ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(network) }()
		defer func() { _ = server.Close() }()
		c, err := client.New(client.Config{
			BaseURL: "http://127.0.0.1:9", ClientID: value(clientID), ClientSecret: value(clientSecret), Seams: seams.Seams{Dial: network.dial},
			Renew: func(ctx context.Context) (id, clientSecret secret.Value, err error) {
				<-ctx.Done()
				return id, clientSecret, &abi.Error{Kind: abi.KindTimeout, Message: "the vault did not respond in time", Retryable: true}
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		time.Sleep(lease.Usual)
		began := time.Now()
		if _, err := c.Workspaces(t.Context(), ""); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != 15*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
