package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/rawjson"
)

const token = "bench-token-5d1f0c"

// lab has what most tables measure: a vendor, a folder of connectors, a host with connections,
// and plain Go for each protocol.
type lab struct {
	at      addresses
	pylon   *host.ConnectorInfo
	plugins string // a folder with pylon, small and endless
	cache   string
	host    *host.Host
	issue   string // the id of an issue of 1 KB

	plain, plainTLS, plainHTTP2 plainGo

	vendor *child
	dir    string
}

// The connections of a lab's host.
const (
	overHTTP  = "http"
	overTLS   = "tls"
	overHTTP2 = "http2"
	smallOne  = "small" // its connector is small
	wideOne   = "wide"  // as many calls at a time as there are callers
)

// openLab starts the vendor, and makes the folder. It copies Pylon's module from plugins.
func openLab(ctx context.Context, plugins string) (l *lab, err error) {
	l = &lab{}
	defer func() {
		if err != nil {
			l.close(ctx)
		}
	}()
	if l.vendor, err = startChild(ctx, "vendor", nil); err != nil {
		return nil, err
	}
	if err := l.vendor.next(&l.at); err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(l.at.CA)) {
		return nil, errors.New("the vendor's certificate cannot be read")
	}
	l.plain, l.plainTLS, l.plainHTTP2 = newPlainGo(l.at.HTTP, nil), newPlainGo(l.at.TLS, roots), newPlainGo(l.at.HTTP2, roots)
	page, err := l.plain.send(ctx, http.MethodGet, listPath(100), nil)
	if err != nil {
		return nil, err
	}
	if l.issue, err = ofSize(page, 1000); err != nil {
		return nil, err
	}
	if err := l.fill(ctx, plugins); err != nil {
		return nil, err
	}
	with := func(connector, address string) host.Connection { return connectionTo(connector, address, "env:TOKEN") }
	wide := with("pylon", l.at.HTTP)
	wide.Limits = config.Limits{Concurrency: manyCallers}
	l.host, err = host.Open(ctx, host.Options{
		Plugins: l.plugins, Cache: l.cache, Seams: host.Seams{RootCAs: roots}, LookupEnv: oneToken,
		Connections: host.StaticConnections{
			overHTTP: with("pylon", l.at.HTTP), overTLS: with("pylon", l.at.TLS), overHTTP2: with("pylon", l.at.HTTP2),
			smallOne: with("small", l.at.HTTP), wideOne: wide,
		},
	})
	return l, err
}

func oneToken(string) (string, bool) { return token, true }

func connectionTo(connector, address, token string) host.Connection {
	return host.Connection{Connector: connector, Server: address, Credentials: map[string]string{"api_token": token}}
}

func (l *lab) fill(ctx context.Context, plugins string) (err error) {
	if l.dir, err = os.MkdirTemp("", "bench-"); err != nil {
		return err
	}
	l.plugins, l.cache = filepath.Join(l.dir, "plugins"), filepath.Join(l.dir, "cache")
	if err := os.Mkdir(l.plugins, 0o700); err != nil {
		return err
	}
	pylon, err := os.ReadFile(filepath.Join(plugins, "pylon.wasm"))
	if err != nil {
		return fmt.Errorf("%w; make connectors builds it", err)
	}
	if err := l.add("pylon", pylon); err != nil {
		return err
	}
	h, err := host.Open(ctx, host.Options{Plugins: l.plugins, Cache: l.cache})
	if err != nil {
		return err
	}
	defer h.Close(ctx)
	if l.pylon, err = h.Connector(ctx, "pylon"); err != nil {
		return err
	}
	for name, module := range map[string]func(declared) []byte{
		"small":   func(d declared) []byte { return small(d, l.issue) },
		"endless": endless,
	} {
		d, err := declares(l.pylon, name)
		if err != nil {
			return err
		}
		if err := l.add(name, module(d)); err != nil {
			return err
		}
	}
	return nil
}

func (l *lab) add(name string, module []byte) error {
	return os.WriteFile(filepath.Join(l.plugins, name+".wasm"), module, 0o600)
}

func (l *lab) close(ctx context.Context) {
	if l.host != nil {
		_ = l.host.Close(ctx)
	}
	if l.vendor != nil {
		l.vendor.stop()
	}
	if l.dir != "" {
		_ = os.RemoveAll(l.dir)
	}
}

// getIssue is the call of an issue, and getPath the path that plain Go asks for.
func getIssue(id string) host.Call {
	return host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": id}}
}

func getPath(id string) string { return "/issues/" + url.PathEscape(id) }

// lastMonth is where the simulated vendor's issues lie.
func lastMonth() (start, end string) {
	now := time.Now().UTC()
	return now.Add(-29 * 24 * time.Hour).Format(time.RFC3339), now.Add(time.Minute).Format(time.RFC3339)
}

// listIssues is the call of a list, and listPath the path that plain Go asks for.
func listIssues(limit int) host.Call {
	start, end := lastMonth()
	return host.Call{Entity: "issues", Action: "list", Params: host.Params{"start_time": start, "end_time": end, "limit": limit}}
}

func listPath(limit int) string {
	start, end := lastMonth()
	return "/issues?" + url.Values{"start_time": {start}, "end_time": {end}, "limit": {fmt.Sprint(limit)}}.Encode()
}

// ofSize returns the id of the record of a page whose size in bytes is nearest to want.
func ofSize(page []byte, want int) (string, error) {
	id, distance := "", -1
	records, _, err := rawjson.Pointer(page, "/data")
	for record := range rawjson.Elements(records) {
		if d := max(len(record)-want, want-len(record)); distance < 0 || d < distance {
			raw, _, _ := rawjson.Pointer(record, "/id")
			id, distance = rawjson.Unquote(raw), d
		}
	}
	if err != nil || id == "" {
		return "", fmt.Errorf("the vendor has no issues: %s", page)
	}
	return id, nil
}
