// Package hostile has only tests: a corpus of what strangers hand the host outside its
// sandbox, made from a seed.
//
//   - documents_test.go: JSON that no honest program writes, of which the others are made
//   - manifests_test.go: declarations of connectors
//   - params_test.go: parameters of calls
//   - answers_test.go: answers of vendors
//   - frames_test.go: HTTP/2 and HTTP/1.1, frame by frame
//   - credentials_test.go: files of tokens, and answers that bring one
//   - hosted_test.go: answers of the Airbyte API
//   - files_test.go: the plugins folder, configurations, lock files and recordings
//
// One process gets all of them, one after the other. Each ends within ten seconds and 300
// MB, well or with a clear error, and the process answers a good call afterwards. A case
// that found a defect is a regression test of its own where the defect was.
package hostile
