// Package browsertest drives the pages of agenthost serve in a real browser, Chromium: with the
// keyboard, on a narrow screen, in light and in dark, and with axe-core's checks of accessibility.
// What drives a browser has large requirements, so this is a module of its own. make test-browser
// runs it, and leaves pictures of the pages in build/browser/pages.
package browsertest
