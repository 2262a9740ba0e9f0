// Package attachments simulates a vendor whose files are elsewhere: its API answers with an address that
// is signed and good for some minutes, and the store there refuses a request that has any other credential,
// as stores of objects do.
package attachments

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// File is an attachment.
type File struct {
	Name, ContentType string
	Data              []byte
}

// Vendor is the API and the store. Set its fields before the first request.
type Vendor struct {
	// Token is what the API wants as a bearer.
	Token string
	// Store is the URL of the store, without a slash at its end.
	Store string
	// Files are the attachments, by id.
	Files map[string]File
	// Now is the clock; nil is the real one.
	Now func() time.Time
}

// lifetime is how long an address is good for.
const lifetime = 5 * time.Minute

func (v *Vendor) now() time.Time {
	if v.Now == nil {
		return time.Now()
	}
	return v.Now()
}

func (v *Vendor) sign(path, expires string) string {
	mac := hmac.New(sha256.New, []byte("key of the store, "+v.Token))
	mac.Write([]byte(path + "\n" + expires))
	return hex.EncodeToString(mac.Sum(nil))
}

// API is the handler of the vendor's API: GET /attachments/{id} describes a file, and
// GET /attachments/{id}/content is the file itself.
func (v *Vendor) API() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /attachments/{id}", func(w http.ResponseWriter, r *http.Request) {
		if file, ok := v.find(w, r); ok {
			path, expires := "/o/"+url.PathEscape(r.PathValue("id"))+"/"+url.PathEscape(file.Name), strconv.FormatInt(v.now().Add(lifetime).Unix(), 10)
			query := url.Values{"expires": {expires}, "signature": {v.sign(path, expires)}}
			answer(w, http.StatusOK, map[string]any{"attachment": map[string]any{
				"id": r.PathValue("id"), "name": file.Name, "size": len(file.Data), "content_url": v.Store + path + "?" + query.Encode(),
			}})
		}
	})
	mux.HandleFunc("GET /attachments/{id}/content", func(w http.ResponseWriter, r *http.Request) {
		if file, ok := v.find(w, r); ok {
			serve(w, r, file)
		}
	})
	return mux
}

func (v *Vendor) find(w http.ResponseWriter, r *http.Request) (File, bool) {
	if r.Header.Get("Authorization") != "Bearer "+v.Token {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid token"})
		return File{}, false
	}
	file, ok := v.Files[r.PathValue("id")]
	if !ok {
		answer(w, http.StatusNotFound, map[string]any{"error": "no such attachment"})
	}
	return file, ok
}

// Objects is the handler of the store.
func (v *Vendor) Objects() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, code string) {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			_, _ = w.Write([]byte("<Error><Code>" + code + "</Code></Error>"))
		}
		query := r.URL.Query()
		expires, err := strconv.ParseInt(query.Get("expires"), 10, 64)
		id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/o/"), "/")
		file, ok := v.Files[id]
		switch {
		case r.Header.Get("Authorization")+r.Header.Get("Cookie") != "":
			refuse(http.StatusBadRequest, "InvalidArgument: only one auth mechanism allowed")
		case r.Header.Get("Referer") != "":
			refuse(http.StatusForbidden, "AccessDenied: referer")
		case r.Method != http.MethodGet || err != nil || !hmac.Equal([]byte(query.Get("signature")), []byte(v.sign(r.URL.EscapedPath(), query.Get("expires")))):
			refuse(http.StatusForbidden, "SignatureDoesNotMatch")
		case v.now().Unix() > expires:
			refuse(http.StatusForbidden, "AccessDenied: expired")
		case !ok:
			refuse(http.StatusNotFound, "NoSuchKey")
		default:
			serve(w, r, file)
		}
	})
}

func serve(w http.ResponseWriter, r *http.Request, file File) {
	w.Header().Set("Content-Type", file.ContentType)
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(file.Data)))
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
