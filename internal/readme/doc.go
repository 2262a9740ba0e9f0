// Package readme holds no code, only tests of the documents: commands run, Go compiles,
// configurations load, and links lead somewhere.
package readme
