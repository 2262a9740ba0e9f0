package egress

import (
	"bufio"
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/agenthost/agenthost/internal/wiresim"
)

// Content types and messages of TLS 1.3 (RFC 8446, section 5.1 and appendix B.3).
const (
	tlsAlert, tlsHandshake, tlsData = 21, 22, 23
	messageTicket, messageKeyUpdate = 4, 24
)

// records writes the records of a TLS 1.3 server after its handshake, so that a test says
// which come when. Crypto/tls sends tickets early, and nothing else.
type records struct {
	conn   net.Conn
	hash   func() hash.Hash
	size   int // of the key
	secret []byte
	aead   cipher.AEAD
	iv     []byte
	seq    uint64
}

// newRecords takes over from a server that has sent nothing since its handshake. It returns
// nil where the two agreed on a cipher that the standard library keeps to itself.
func newRecords(conn net.Conn, suite uint16, keyLog []byte) *records {
	r := &records{conn: conn}
	switch suite {
	case tls.TLS_AES_128_GCM_SHA256:
		r.hash, r.size = sha256.New, 16
	case tls.TLS_AES_256_GCM_SHA384:
		r.hash, r.size = sha512.New384, 32
	default:
		return nil
	}
	for line := range bytes.Lines(keyLog) {
		if fields := bytes.Fields(line); string(fields[0]) == "SERVER_TRAFFIC_SECRET_0" {
			secret, _ := hex.DecodeString(string(fields[2]))
			r.use(secret)
		}
	}
	return r
}

func (r *records) use(secret []byte) {
	r.secret, r.seq = secret, 0
	block, _ := aes.NewCipher(r.expand("key", r.size))
	r.aead, _ = cipher.NewGCM(block)
	r.iv = r.expand("iv", 12)
}

// expand is HKDF-Expand-Label (RFC 8446, section 7.1).
func (r *records) expand(label string, size int) []byte {
	info := binary.BigEndian.AppendUint16(nil, uint16(size))
	info = append(append(info, byte(len("tls13 "+label))), "tls13 "+label+"\x00"...)
	key, _ := hkdf.Expand(r.hash, r.secret, string(info), size)
	return key
}

func (r *records) write(kind byte, content []byte) {
	nonce := bytes.Clone(r.iv)
	for i, b := range binary.BigEndian.AppendUint64(nil, r.seq) {
		nonce[4+i] ^= b
	}
	r.seq++
	inner := append(bytes.Clone(content), kind)
	head := []byte{tlsData, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(head[3:], uint16(len(inner)+r.aead.Overhead()))
	_, _ = r.conn.Write(r.aead.Seal(head, nonce, inner, head))
}

func handshakeMessage(kind byte, content []byte) []byte {
	return append([]byte{kind, byte(len(content) >> 16), byte(len(content) >> 8), byte(len(content))}, content...)
}

// ticket is a session ticket.
func (r *records) ticket() {
	b := []byte{0, 0, 1, 0, 1, 2, 3, 4, 8}      // its life, what is added to its age, the length of its nonce
	b = binary.BigEndian.AppendUint64(b, r.seq) // the nonce
	b = append(b, 0, 64)                        // its length
	b = append(b, bytes.Repeat([]byte{byte(r.seq)}, 64)...)
	r.write(tlsHandshake, handshakeMessage(messageTicket, append(b, 0, 0))) // no extensions
}

// newKey changes the server's key, and asks for the client's.
func (r *records) newKey() {
	r.write(tlsHandshake, handshakeMessage(messageKeyUpdate, []byte{1}))
	r.use(r.expand("traffic upd", r.hash().Size()))
}

const plainAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

// TestIdleTLS sends all that TLS can on a connection after an answer. What belongs to TLS is
// taken in, and what does not costs the connection, and never becomes an answer.
func TestIdleTLS(t *testing.T) {
	const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
	for name, test := range map[string]struct {
		after func(*records)
		calls int
		kept  bool
	}{
		"a ticket":                 {(*records).ticket, 1000, true},
		"four tickets":             {func(r *records) { r.ticket(); r.ticket(); r.ticket(); r.ticket() }, 5, true},
		"a new key":                {(*records).newKey, 5, true},
		"an answer":                {func(r *records) { r.write(tlsData, []byte(evil)) }, 5, false},
		"a ticket and an answer":   {func(r *records) { r.ticket(); r.write(tlsData, []byte(evil)) }, 5, false},
		"a byte":                   {func(r *records) { r.write(tlsData, []byte("H")) }, 5, false},
		"a farewell":               {func(r *records) { r.write(tlsAlert, []byte{1, 0}) }, 5, false},
		"the end":                  {func(r *records) { r.conn.Close() }, 5, false},
		"a ticket and the end":     {func(r *records) { r.ticket(); r.conn.Close() }, 5, false},
		"bytes that are no record": {func(r *records) { _, _ = io.WriteString(r.conn, evil) }, 5, false},
		"floods of tickets": {func(r *records) {
			for range 50 {
				r.ticket()
			}
		}, 5, false},
	} {
		for _, memory := range []bool{false, true} {
			t.Run(name+map[bool]string{true: ", watched"}[memory], func(t *testing.T) {
				t.Parallel()
				calls, handshakes := test.calls, 0
				if memory {
					calls = min(calls, 20)
					synctest.Test(t, func(t *testing.T) { handshakes = idleCalls(t, memory, calls, test.after) })
				} else {
					handshakes = idleCalls(t, memory, calls, test.after)
				}
				if want := map[bool]int{true: 1, false: calls}[test.kept]; handshakes != want {
					t.Errorf("%d handshakes for %d calls, want %d", handshakes, calls, want)
				}
			})
		}
	}
}

// idleCalls makes calls in a row to a TLS 1.3 server that sends something after each answer,
// over a socket or a connection in memory, and returns the number of handshakes.
func idleCalls(t *testing.T, memory bool, calls int, after func(*records)) int {
	var handshakes atomic.Int32
	var unknown atomic.Bool    // the cipher
	said := make(chan bool, 1) // what comes after an answer is on its way
	lender, err := wiresim.New(wiresim.TLS, func(*wiresim.Conn) {})
	if err != nil {
		t.Fatal(err)
	}
	serve := func(conn net.Conn) {
		defer conn.Close()
		var keyLog bytes.Buffer
		config := lender.TLSConfig()
		config.KeyLogWriter = &keyLog
		secure := tls.Server(conn, config)
		if secure.Handshake() != nil {
			return
		}
		handshakes.Add(1)
		w := newRecords(conn, secure.ConnectionState().CipherSuite, keyLog.Bytes())
		unknown.Store(w == nil)
		for r := bufio.NewReader(secure); w != nil; {
			req, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, req.Body)
			w.write(tlsData, []byte(plainAnswer))
			after(w)
			said <- true
		}
	}
	dial, stop := listen(t, memory, serve)
	defer stop()
	config := baseConfig()
	config.Override, config.RootCAs, config.Dial = lender.URL, lender.Roots, dial
	c := newClient(t, config)
	defer c.Close()
	for range calls {
		var resp *Response
		if resp, err = c.Send(t.Context(), scope(), get("/issues"), nil); err != nil || string(resp.Body) != "{}" || resp.Attempts != 1 {
			if unknown.Load() {
				t.Skip("this machine prefers a cipher that the standard library keeps to itself")
			}
			t.Fatalf("%+v, %v", resp, err)
		}
		<-said
		if memory {
			synctest.Wait() // who watches has seen it
		}
	}
	return int(handshakes.Load())
}

// listen serves connections over loopback or in memory, until stop.
func listen(t *testing.T, memory bool, serve func(net.Conn)) (dial func(context.Context, string, string) (net.Conn, error), stop func()) {
	t.Helper()
	if memory {
		vendor, err := wiresim.New(wiresim.HTTP1, func(c *wiresim.Conn) { serve(c.Conn) })
		if err != nil {
			t.Fatal(err)
		}
		return vendor.Dial, vendor.Close
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { serve(conn) })
		}
	})
	dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, listener.Addr().String())
	}
	return dial, func() { listener.Close(); serving.Wait() }
}
