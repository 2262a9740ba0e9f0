// Package architecture holds no code, only tests that read the repository: which
// package may import or use what, and how sources look. A rule that is broken prints
// its reason, so that whoever broke it can tell whether the code or the rule is wrong.
//
// imports_test.go and uses_test.go have the tables to change when the design does.
package architecture
