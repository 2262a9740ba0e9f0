package main

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/pdk"
)

// maxFile bounds a file in characters of base64: 12 MiB of file.
const maxFile = 16 << 20

// createAttachment sends multipart/form-data (RFC 7578), which a table cannot express. The same
// parameters give the same bytes and boundary.
func createAttachment(c *pdk.Call) error {
	file, fileURL := c.Param("file"), c.Param("file_url")
	switch {
	case file.Exists() && fileURL.Exists():
		return pdk.InvalidParam("file_url", "both file and file_url are given", "leave one of them out")
	case !file.Exists() && !fileURL.Exists():
		return pdk.InvalidParam("file", "neither file nor file_url is given", "give one of them")
	}

	var form form
	if file.Exists() {
		content, err := base64.StdEncoding.DecodeString(file.Text())
		if err != nil {
			return pdk.InvalidParam("file", "file is not base64", "encode the file with the standard alphabet and padding of RFC 4648")
		}
		name := c.Param("file_name").Text()
		if name == "" {
			return pdk.InvalidParam("file_name", "file_name is missing", "give the file a name, such as screenshot.png")
		}
		contentType := c.Param("content_type").Text()
		if contentType == "" {
			contentType = "application/octet-stream"
		}
		if strings.ContainsAny(contentType, "\r\n") {
			return pdk.InvalidParam("content_type", "content_type has a line break", "write it as type/subtype")
		}
		form.file("file", name, contentType, content)
	} else {
		form.field("file_url", fileURL.Text())
	}
	if d := c.Param("description"); d.Exists() {
		form.field("description", d.Text())
	}

	r := c.Request()
	body, contentType := form.encode()
	r.Body = body
	r.Headers = append(r.Headers, [2]string{"Content-Type", contentType})
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	return c.Respond(resp)
}

// form has the parts of a multipart/form-data body.
type form struct{ parts []formPart }

type formPart struct {
	header  string
	content []byte
}

func (f *form) field(name, value string) {
	f.parts = append(f.parts, formPart{"Content-Disposition: form-data; name=" + quoted(name), []byte(value)})
}

func (f *form) file(name, fileName, contentType string, content []byte) {
	f.parts = append(f.parts, formPart{
		"Content-Disposition: form-data; name=" + quoted(name) + "; filename=" + quoted(fileName) +
			"\r\nContent-Type: " + contentType, content,
	})
}

// encode joins the parts with a boundary that does not occur in them, without randomness.
func (f *form) encode() (body []byte, contentType string) {
	boundary, size := "", 0
	for n := 0; boundary == ""; n++ {
		boundary, size = "agenthost-form-boundary-"+strconv.Itoa(n), 0
		for _, p := range f.parts {
			size += len(p.header) + len(p.content) + len(boundary) + 10
			if bytes.Contains(p.content, []byte(boundary)) || strings.Contains(p.header, boundary) {
				boundary = ""
				break
			}
		}
	}
	body = make([]byte, 0, size+len(boundary)+8)
	for _, p := range f.parts {
		body = append(body, "--"+boundary+"\r\n"+p.header+"\r\n\r\n"...)
		body = append(append(body, p.content...), "\r\n"...)
	}
	body = append(body, "--"+boundary+"--\r\n"...)
	return body, "multipart/form-data; boundary=" + boundary
}

// quoted writes a name in a multipart header as browsers do (HTML standard): quotes and line breaks
// percent-encoded.
func quoted(name string) string {
	return `"` + strings.NewReplacer(`"`, "%22", "\r", "%0D", "\n", "%0A").Replace(name) + `"`
}
