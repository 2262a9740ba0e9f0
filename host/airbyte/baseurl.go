package airbyte

import "strings"

// DefaultBaseURL is where the service is.
const DefaultBaseURL = "https://api.airbyte.ai"

// apiPath begins the path of every endpoint.
const apiPath = "/api/v1"

// baseURLVariables are the environment variables by which the vendor's own clients are
// pointed elsewhere: its command, its SDK and PyAirbyte. The first that is set counts.
var baseURLVariables = []string{"AIRBYTE_API_HOST", "SDK_DEV_ADP_API_HOST", "AIRBYTE_AGENTS_API_URL"}

// BaseURL returns the operator's URL of the service: the configured one, or that of the
// environment variables AIRBYTE_API_HOST, SDK_DEV_ADP_API_HOST and
// AIRBYTE_AGENTS_API_URL, in this order. It is empty where there is none, which means
// [DefaultBaseURL]. The URL may end in /api/v1, as PyAirbyte's does.
func BaseURL(configured string, lookupEnv func(string) (string, bool)) string {
	url := configured
	for _, name := range baseURLVariables {
		if url == "" {
			url, _ = lookupEnv(name)
		}
	}
	return origin(url)
}

// origin drops what a base URL may end in. The service's own URL is nobody's: it gets no
// leave to be at a private address.
func origin(url string) string {
	url = strings.TrimRight(strings.TrimSpace(url), "/")
	url = strings.TrimRight(strings.TrimSuffix(url, apiPath), "/")
	if url == DefaultBaseURL {
		return ""
	}
	return url
}
