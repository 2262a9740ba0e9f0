//go:build !(darwin || linux)

package audit

func fullDisk(string) int { return 0 }
