module github.com/agenthost/agenthost/internal/browsertest

go 1.26.0

replace github.com/agenthost/agenthost => ../..

require (
	github.com/chromedp/cdproto v0.160.1
	github.com/chromedp/chromedp v0.23.1
)

require github.com/rogpeppe/go-internal v1.16.0 // indirect

require (
	github.com/agenthost/agenthost v0.0.0-00010101000000-000000000000
	github.com/go-json-experiment/json v0.0.0-20260213210345-44df1a37e875 // indirect
)
