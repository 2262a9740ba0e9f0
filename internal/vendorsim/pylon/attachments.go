package pylon

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// maxUpload is the largest multipart body accepted, in bytes. The vendor's own limit is not documented.
const maxUpload = 16 << 20

type upload struct {
	description string
	fileURL     string
	hasFile     bool
	fileName    string
	size        int64
}

// readUpload reads the parts of a multipart body, which must be declared and unique. It keeps a file's name and size.
func readUpload(w http.ResponseWriter, r *http.Request, op *Operation) (*upload, *apiError) {
	mt, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mt != "multipart/form-data" || params["boundary"] == "" {
		return nil, invalid("Content-Type must be multipart/form-data with a boundary")
	}
	mr := multipart.NewReader(http.MaxBytesReader(w, r.Body, maxUpload), params["boundary"])
	up, seen := &upload{}, map[string]bool{}
	for {
		part, err := mr.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, uploadError(err)
		}
		name := part.FormName()
		if contract.ParamNamed(op.Body, name) == nil {
			return nil, invalid("unknown field %q", name)
		}
		if seen[name] {
			return nil, invalid("field %q given twice", name)
		}
		seen[name] = true
		if name == "file" {
			if part.FileName() == "" {
				return nil, invalid("file must be sent with a file name")
			}
			up.hasFile, up.fileName = true, part.FileName()
			if up.size, err = io.Copy(io.Discard, part); err != nil {
				return nil, uploadError(err)
			}
			continue
		}
		text, err := io.ReadAll(io.LimitReader(part, 64<<10))
		if err != nil {
			return nil, uploadError(err)
		}
		if !utf8.Valid(text) {
			return nil, invalid("%s is not valid UTF-8", name)
		}
		if name == "description" {
			up.description = string(text)
		} else {
			up.fileURL = string(text)
		}
	}
	if up.hasFile == (up.fileURL != "") {
		return nil, invalid("exactly one of file and file_url is required")
	}
	if up.fileURL != "" && !isWebURL(up.fileURL) {
		return nil, invalid("file_url must be an http or https URL")
	}
	return up, nil
}

func uploadError(err error) *apiError {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return &apiError{status: http.StatusRequestEntityTooLarge, code: codeTooLarge, messages: []string{"upload too large"}}
	}
	return invalid("malformed multipart body")
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

func createAttachment(c *call) (result, *apiError) {
	name := c.upload.fileName
	if !c.upload.hasFile {
		u, _ := url.Parse(c.upload.fileURL) // checked before
		if name = path.Base(u.Path); name == "/" || name == "." {
			name = u.Host
		}
	}
	id := c.newID()
	a := attachment{
		ID: id, Name: name, Description: c.upload.description,
		URL: "https://assets.usepylon.example/attachments/" + id + "/" + url.PathEscape(name),
	}
	c.audit("attachment.created", "attachment", id)
	return one(c.v.store.attachments.Insert(id, 0, a))
}
