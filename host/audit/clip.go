package audit

import "unicode/utf8"

// Clip cuts a name to [MaxName] bytes, at a character. What was cut ends in "...".
func Clip(name string) string {
	if len(name) <= MaxName {
		return name
	}
	end := MaxName - len("...")
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return name[:end] + "..."
}
