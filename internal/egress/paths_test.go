package egress

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/wiresim"
)

// overPaths is the test below, whose name says what the vendors of its subtests speak.
const overPaths = "TestOverEveryPath/"

// pathOf returns what the vendors of a test speak: HTTP/1.1 unless its name says otherwise.
func pathOf(t testing.TB) wiresim.Protocol {
	for _, protocol := range []wiresim.Protocol{wiresim.TLS, wiresim.HTTP2} {
		if strings.HasPrefix(t.Name(), overPaths+strings.ReplaceAll(string(protocol), " ", "_")+"/") {
			return protocol
		}
	}
	return wiresim.HTTP1
}

// TestOverEveryPath runs the tests with hostile and faulty vendors, which speak HTTP/1.1 in
// the clear, once more over TLS and over HTTP/2. What no server's library would send is in
// TestOddAnswers, TestIdleTLS, TestOneRequestHTTP1 and TestOneRequestHTTP2, and what takes
// time in TestSilenceInAnswers, TestCallsEnd and TestUploadEnds.
func TestOverEveryPath(t *testing.T) {
	for _, protocol := range []wiresim.Protocol{wiresim.TLS, wiresim.HTTP2} {
		t.Run(string(protocol), func(t *testing.T) {
			for name, test := range map[string]func(*testing.T){
				"what is sent":               TestSendSendsExactly,
				"undeclared requests":        TestUndeclaredRequestsAreDenied,
				"credential's audience":      TestCredentialGoesToItsAudienceOnly,
				"echoed credential":          TestEchoedCredentialIsRedacted,
				"names of headers":           TestNamesOfHeadersAreRedacted,
				"hidden secrets":             TestHiddenSecretsAreRedacted,
				"cookies and proxies":        TestNoProxyAndNoCookies,
				"many at once":               TestSendIsConcurrent,
				"budget":                     TestBudget,
				"bodies":                     TestBodies,
				"answers without body":       TestAnswersWithoutBody,
				"encodings":                  TestEncodingsThatAreNotRead,
				"redirects":                  TestRedirects,
				"other answers of the 300s":  TestOtherAnswersOfThe300sAreReturned,
				"resolved addresses":         TestResolvedAddressesAreVetted,
				"rebinding":                  TestRebinding,
				"next address":               TestNextAddressIsTried,
				"connections are not shared": TestConnectionsAreNotShared,
				"shared connections":         TestSharedConnections,
				"retries":                    TestRetries,
				"retries in the budget":      TestRetriesStayInTheBudget,
				"writes that never left":     TestWriteIsRetriedIfItNeverLeft,
				"refused writes":             TestRefusedWriteIsSentAgain,
				"ids of requests":            TestRequestID,
			} {
				t.Run(name, test)
			}
		})
	}
}
