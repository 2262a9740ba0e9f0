package browsertest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// variable has the folder in which make built the command and axe-core.
const variable = "AGENTHOST_TEST_BROWSER"

// patience bounds each test of a page.
const patience = time.Minute

// browsers are the names of Chromium, and of its sister.
var browsers = []string{"chromium", "chromium-browser", "google-chrome"}

// browser is the Chromium of all tests; nil where make does not run them. Each test has a profile
// of its own in it.
var browser context.Context

func TestMain(m *testing.M) {
	os.Exit(withBrowser(m.Run))
}

// withBrowser runs tests with a browser.
func withBrowser(run func() int) int {
	if os.Getenv(variable) == "" {
		return run()
	}
	profile, err := os.MkdirTemp("", "agenthost-browser-")
	if err != nil {
		return failed(err)
	}
	defer func() { _ = os.RemoveAll(profile) }()
	program, err := find()
	if err != nil {
		return failed(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.UserDataDir(profile), chromedp.DisableGPU,
		// No name leads out of this machine.
		chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1 , MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("ignore-certificate-errors", true), // the servers of the tests make their own
		chromedp.Flag("renderer-process-limit", "2"),
		chromedp.Flag("js-flags", "--max-old-space-size=256"),
		chromedp.Env("HOME="+profile),
		chromedp.ModifyCmdFunc(bounded),
	)
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // its sandbox is not for root
	}
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, end := chromedp.NewContext(ctx)
	defer end()
	if err := chromedp.Do(ctx); err != nil {
		return failed(fmt.Errorf("%s does not start: %w", program, err))
	}
	browser = ctx //nolint:fatcontext // it lives as long as this function
	return run()
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func find() (string, error) {
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("there is no %s: apt-get install %s", browsers[0], browsers[0])
}

// bounded limits the memory of each process of the browser to 4 GB.
func bounded(cmd *exec.Cmd) {
	cmd.Args = append([]string{"sh", "-c", `ulimit -d 4194304; exec "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
	cmd.Path = "/bin/sh"
}

// built is the path of what make built.
func built(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv(variable)
	if folder == "" {
		t.Skip("make test-browser runs it")
	}
	return filepath.Join(folder, filepath.FromSlash(name))
}
