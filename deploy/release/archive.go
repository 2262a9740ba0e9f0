package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"time"
)

// file is one of an archive. Its content is that of the place, if it has one.
type file struct {
	name    string // with slashes
	place   string
	content []byte
	mode    fs.FileMode
}

func (f *file) read() (err error) {
	if f.place != "" {
		f.content, err = os.ReadFile(f.place)
	}
	return err
}

// archive packs files in their order, in a folder of the archive, with a time and without an owner.
func archive(p platform, folder string, at time.Time, files []file) ([]byte, error) {
	var packed bytes.Buffer
	if p.os == "windows" {
		w := zip.NewWriter(&packed)
		for _, f := range files {
			h := &zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: at.UTC()}
			h.SetMode(f.mode)
			into, err := w.CreateHeader(h)
			if err != nil {
				return nil, err
			}
			if _, err := into.Write(f.content); err != nil {
				return nil, err
			}
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		return packed.Bytes(), nil
	}
	// A header of gzip without a name and a time, and one of tar without names of users.
	zipped := gzip.NewWriter(&packed)
	w := tar.NewWriter(zipped)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: folder + "/" + f.name, Mode: int64(f.mode.Perm()), Size: int64(len(f.content)), ModTime: at.UTC(), Format: tar.FormatUSTAR}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.content); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}
