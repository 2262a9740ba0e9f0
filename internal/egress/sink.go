package egress

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/agenthost/agenthost/pdk/abi"
)

// RuleSecret is the rule of a file that is not handed on because it holds the credential.
const RuleSecret = "egress.secret"

// Sink takes the file of one call: its bytes go to a writer as they come, and neither the host's
// memory nor the guest's holds them. It is used by one goroutine. Get one from [NewSink].
type Sink struct {
	to        io.Writer
	sum       hash.Hash
	size      int64
	mediaType string
	taken     bool
	failed    error // of to
}

// NewSink returns a Sink that writes to w.
func NewSink(w io.Writer) *Sink { return &Sink{to: w, sum: sha256.New()} }

// Write writes to the Sink's writer.
func (s *Sink) Write(p []byte) (int, error) {
	n, err := s.to.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	s.size += int64(n)
	s.sum.Write(p[:n])
	s.failed = err
	return n, err
}

// begun reports whether bytes were written, so that no other answer may follow them.
func (s *Sink) begun() bool { return s != nil && (s.taken || s.size > 0) }

func (s *Sink) end(mediaType string) { s.taken, s.mediaType = true, mediaType }

// add takes an answer that was read already.
func (s *Sink) add(resp *Response) *abi.Error {
	if s.begun() {
		return moreFiles()
	}
	if _, err := s.Write(resp.Body); err != nil {
		return s.unwritten()
	}
	s.end(resp.Header.Get("Content-Type"))
	return nil
}

func moreFiles() *abi.Error {
	return fault.Invalid("output", "the operation answers more than one file", "call it without an output")
}

// unwritten is the error of a writer that failed.
func (s *Sink) unwritten() *abi.Error {
	return (&abi.Error{
		Kind: abi.KindInternal, Message: "the file cannot be written: " + s.failed.Error(), Hint: "check the disk and its free space, then try again",
	}).WithCause(s.failed)
}

// Data describes the file, in place of the guest's data; nil if none came.
func (s *Sink) Data() json.RawMessage {
	if !s.taken {
		return nil
	}
	data, err := json.Marshal(struct {
		ContentType string `json:"content_type"`
		Bytes       int64  `json:"bytes"`
		SHA256      string `json:"sha256"`
	}{s.mediaType, s.size, hex.EncodeToString(s.sum.Sum(nil))})
	if err != nil { // there is nothing in it that JSON does not have
		return nil
	}
	return data
}

// isFile reports whether the answer to a request is the file that the call's Sink waits for.
func (c *Client) isFile(s Scope, w *wireRequest, resp *http.Response) bool {
	if s.Sink == nil || resp.StatusCode/100 != 2 || resp.StatusCode == http.StatusNoContent || w.Method == http.MethodHead {
		return false
	}
	return c.rules.ContentOf(s.wire(), &w.Request, s.Content) != abi.ContentJSON
}

// isJSON reports whether a media type is JSON. A guest looks for the vendor's error in it, even
// where a file is expected.
func isJSON(contentType string) bool {
	mediaType, _, _ := mime.ParseMediaType(contentType)
	return mediaType == "application/json" || strings.HasSuffix(mediaType, "+json")
}

// save copies an answer into the call's Sink, and returns its sizes, decoded and on the network.
func (c *Client) save(ctx context.Context, s Scope, w *wireRequest, resp *http.Response) (size, came int64, failed *abi.Error) {
	if s.Sink.begun() {
		return 0, 0, moreFiles()
	}
	limit := s.Budget.leftToDownload()
	body, wire, release, err := c.open(resp, limit)
	defer release()
	if err == nil {
		size, err = c.redactor.Copy(ctx, s.Sink, &wireReader{r: body, left: limit})
	}
	s.Budget.downloaded.Add(size)
	switch origin := w.Origin.String(); {
	case err == nil:
		s.Sink.end(c.redactor.RedactString(resp.Header.Get("Content-Type")))
	case s.Sink.failed != nil:
		failed = s.Sink.unwritten()
	case errors.Is(err, redact.ErrSecret):
		failed = fault.Denied(RuleSecret, "the file from "+origin+" holds the connection's credential, so agenthost does not hand it on", "ask the vendor why")
	case errors.Is(err, redact.ErrSteps):
		failed = fault.LimitExceeded("response_body", "the file from "+origin+" has too many escapes to search it for the credential", "get it from the vendor in another way")
	case errors.Is(err, errTooLarge):
		failed = s.Budget.downloadError()
	default:
		failed = c.bodyError(ctx, w.Origin, err, s.Budget)
	}
	return size, wire.read, failed
}
