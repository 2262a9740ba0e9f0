package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
)

// files are what a new connector has besides its sources: pages and workflows in parts, which are put together for
// each language.
//
//go:embed files
var files embed.FS

// placeholder is the name of the connector in the pack. It stands nowhere for anything else.
const placeholder = "bookshelf"

// nameForm is that of a connector that can also be a part of a host's name.
var nameForm = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

// CheckName returns an error if a connector cannot have a name.
func CheckName(name string) error {
	if nameForm.MatchString(name) {
		return nil
	}
	hint := "begin with a letter from a to z, then use such letters, digits and dashes, 63 at most"
	if near := nearest(name); near != "" {
		hint = "did you mean " + near + "?"
	}
	return fault.Configuration(fault.Invalid("", fmt.Sprintf("a connector cannot have the name %.100q", name), hint))
}

// nearest is a valid name that looks like another.
func nearest(name string) string {
	var b strings.Builder
	for _, c := range strings.ToLower(name[:min(len(name), 1000)]) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9' && b.Len() > 0:
			b.WriteRune(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	near := b.String()
	near = strings.TrimRight(near[:min(len(near), 63)], "-")
	if !nameForm.MatchString(near) {
		return ""
	}
	return near
}

// title is a name for people.
func title(name string) string {
	words := strings.Split(name, "-")
	for i, word := range words {
		if word != "" {
			words[i] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, " ")
}

// Variable is the environment variable with the credential of a new connector.
func Variable(name string) string {
	return "AGENTHOST_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")) + "_API_TOKEN"
}

// Make returns the files of a new connector. Its name must be valid.
func (p Pack) Make(language, name string) ([]File, error) {
	if !slices.Contains(Languages(), language) {
		return nil, fault.Configuration(fault.Invalid("", fmt.Sprintf("connectors are not made in %.100q", language), fault.Hint(language, Languages())))
	}
	if err := CheckName(name); err != nil {
		return nil, err
	}
	made, err := around(language)
	if err != nil {
		return nil, err
	}
	for _, f := range p {
		if to, ok := strings.CutPrefix(f.Name, language+"/"); ok {
			made = append(made, File{to, f.Data})
		}
	}
	put := strings.NewReplacer("AGENTHOST_BOOKSHELF_API_TOKEN", Variable(name), placeholder, name, title(placeholder), title(name))
	for i, f := range made {
		if kit(f.Name) {
			continue
		}
		made[i] = File{put.Replace(f.Name), []byte(put.Replace(string(f.Data)))}
	}
	slices.SortFunc(made, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return made, nil
}

// kit reports whether a file is of a kit, which is the same in every connector.
func kit(name string) bool {
	return strings.HasPrefix(name, "vendor/") || strings.HasPrefix(name, "agenthost-pdk/")
}

// around are the files that all languages have: pages in which the language's own parts are put.
func around(language string) (made []File, err error) {
	for from, to := range map[string]string{"README.md": "README.md", "test.yml": ".github/workflows/test.yml", "gitignore": ".gitignore"} {
		text, err := files.ReadFile("files/" + from)
		if err != nil {
			return nil, err
		}
		own, err := files.ReadFile("files/" + language + "/" + from)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		made = append(made, File{to, bytes.Replace(text, []byte("LANGUAGE\n"), own, 1)})
	}
	return made, nil
}

// Write makes a folder with files, whole or not at all. There must be nothing at its place, or an empty folder.
//
// # Errors
//   - [*abi.Error] with the cause [fault.ErrConfiguration] if something is there
func Write(folder string, made []File) (err error) {
	info, err := os.Lstat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case !info.IsDir():
		return there(folder + " exists, and is no folder")
	default:
		if err := empty(folder); err != nil {
			return err
		}
	}
	parent := filepath.Dir(filepath.Clean(folder))
	if err := os.MkdirAll(parent, 0o755); err != nil { //nolint:gosec // sources are for others to read, as far as the umask has it
		return err
	}
	temporary, err := os.MkdirTemp(parent, ".new-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	whole := filepath.Join(temporary, "whole")
	for _, f := range made {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return fmt.Errorf("%q is no file of a folder", f.Name)
		}
		name := filepath.Join(whole, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil { //nolint:gosec // as above
			return err
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil { //nolint:gosec // as above
			return err
		}
	}
	if info != nil { // an empty folder; if something came into it by now, this fails
		if err := os.Remove(folder); err != nil {
			return there(folder + " is not empty any more")
		}
	}
	return os.Rename(whole, folder)
}

// empty returns an error if something is in a folder.
func empty(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer f.Close()
	if names, _ := f.Readdirnames(1); len(names) > 0 {
		return there(folder + " is not empty")
	}
	return nil
}

func there(message string) error {
	return fault.Configuration(fault.Invalid("", message, "choose another name, or another folder with -o"))
}
