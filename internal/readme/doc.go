// Package readme tests the README: it runs every command in it.
package readme
