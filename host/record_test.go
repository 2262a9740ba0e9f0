package host_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/vendorsim"
)

func TestRecordAndReplay(t *testing.T) {
	t.Parallel()
	h, server := open(t)
	for _, tt := range []struct {
		name  string
		call  host.Call
		fails bool
	}{
		{"list", host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 3}}, false},
		{"write", host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Ada & Sons <é>"}}, false},
		{"not found", host.Call{Entity: "accounts", Action: "get", Params: host.Params{"id": "none"}}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, rec, err := h.Record(t.Context(), "lab", tt.call)
			if (err != nil) != tt.fails {
				t.Fatal(err)
			}
			var file bytes.Buffer
			if err := rec.Write(&file); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(file.String(), token) {
				t.Error("the recording holds the token")
			}
			sent := len(server.Requests())
			read, err := recording.Read(&file)
			if err != nil {
				t.Fatal(err)
			}
			differences, err := h.Replay(t.Context(), read)
			if err != nil || len(differences) > 0 {
				t.Errorf("replayed otherwise: %v, %v", differences, err)
			}
			if len(server.Requests()) != sent {
				t.Error("the replay sent something")
			}
		})
	}
}

// A replay tells what the connector would do otherwise.
// threat: A18
func TestReplayFindsDifferences(t *testing.T) {
	t.Parallel()
	h, _ := open(t)
	_, rec, err := h.Record(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 3}})
	if err != nil {
		t.Fatal(err)
	}
	rec.Exchanges[0].Request.Query[0][1] = "4"
	rec.Data = []byte(`[]`)
	differences, err := h.Replay(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	var where []string
	for _, d := range differences {
		where = append(where, d.Where)
	}
	if got := strings.Join(where, "; "); got != "exchanges[0].request.query; data (from byte 1)" {
		t.Errorf("found %s", got)
	}
}

// What a vendor echoes of the credential is not in a recording either.
// threat: C1, N11
func TestRecordingOfAnEcho(t *testing.T) {
	t.Parallel()
	h, server := open(t)
	server.Inject(vendorsim.Fault{PathPrefix: "/accounts", Count: 1, Effect: vendorsim.EchoAuthorization(200)})
	_, rec, _ := h.Record(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list"})
	var file bytes.Buffer
	if err := rec.Write(&file); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(file.String(), token) {
		t.Error("the recording holds the token")
	}
	if len(rec.Exchanges) == 0 || !strings.Contains(string(rec.Exchanges[0].Response.Body), "[redacted]") {
		t.Errorf("the vendor did not echo: %+v", rec.Exchanges)
	}
}
