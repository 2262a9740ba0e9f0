package main

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"time"
)

type clock = func() time.Time

// certificateInterval is how often the files of a certificate are looked at, at most.
const certificateInterval = time.Second

// certificateFiles are a certificate and its key, which somebody renews while the server runs.
type certificateFiles struct {
	certificate, key string
	now              clock

	mu     sync.Mutex
	looked time.Time
	stamps [2]stamp
	loaded *tls.Certificate
}

// stamp tells whether a file is the same as before.
type stamp struct {
	changed time.Time
	size    int64
}

// reloadedCertificate returns a TLS configuration whose certificate follows its files. A pair that
// does not fit together, as between the two writes of a renewal, leaves the one before.
func reloadedCertificate(certificate, key string, now clock) (*tls.Config, error) {
	c := &certificateFiles{certificate: certificate, key: key, now: now}
	if err := c.load(); err != nil {
		return nil, &usageError{message: fmt.Sprintf("the certificate cannot be used: %v", err), hint: "check --tls-cert and --tls-key"}
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil }}, nil
}

func (c *certificateFiles) load() error {
	loaded, err := tls.LoadX509KeyPair(c.certificate, c.key)
	if err == nil {
		c.loaded = &loaded
	}
	return err
}

// get returns the certificate, and reads its files again if they changed.
func (c *certificateFiles) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if now.Sub(c.looked) < certificateInterval {
		return c.loaded
	}
	c.looked = now
	stamps := [2]stamp{stampFile(c.certificate), stampFile(c.key)}
	if stamps != c.stamps && c.load() == nil {
		c.stamps = stamps
	}
	return c.loaded
}

func stampFile(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}
