package main

import (
	"bytes"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// componentsOf lists what is in a program and beside it, as CycloneDX in JSON: the modules that the program says it was linked
// from, the standard library, the interpreter of tables and the connectors.
func componentsOf(b *build, files []file, made string) ([]byte, error) {
	at, err := b.time()
	if err != nil {
		return nil, err
	}
	interpreter := file{name: "interpreter.wasm", place: filepath.Join(made, "interpreter.wasm")}
	if err := interpreter.read(); err != nil {
		return nil, err
	}
	version := b.info.Main.Version
	program := moduleComponent(cdx.ComponentTypeApplication, &b.info.Main)
	program.Name, program.Licenses = "agenthost", &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}}
	program.Properties = &[]cdx.Property{
		{Name: "agenthost:platform", Value: b.platform.String()}, {Name: "agenthost:commit", Value: b.setting("vcs.revision")},
	}
	standard := cdx.Component{
		BOMRef: "std", Type: cdx.ComponentTypeLibrary, Name: "std", Version: strings.TrimPrefix(b.info.GoVersion, "go"),
		PackageURL: "pkg:golang/std@" + strings.TrimPrefix(b.info.GoVersion, "go"),
	}
	linked, needs := []cdx.Component{standard}, []string{standard.BOMRef}
	for _, dep := range b.info.Deps {
		c := moduleComponent(cdx.ComponentTypeLibrary, dep)
		linked, needs = append(linked, c), append(needs, c.BOMRef)
	}
	wasm := func(f file) {
		linked = append(linked, cdx.Component{
			BOMRef: f.name, Type: cdx.ComponentTypeApplication, MIMEType: "application/wasm", Name: f.name, Version: version, Hashes: hashes(f.content),
		})
		needs = append(needs, f.name)
	}
	wasm(interpreter)
	for _, f := range files {
		switch {
		case f.name == b.platform.program():
			program.Hashes = hashes(f.content)
		case strings.HasSuffix(f.name, ".wasm"):
			wasm(f)
		}
	}
	bom := cdx.NewBOM()
	bom.SerialNumber = serial(b, program)
	bom.Metadata = &cdx.Metadata{Timestamp: at.UTC().Format(time.RFC3339), Component: &program}
	bom.Components = &linked
	bom.Dependencies = &[]cdx.Dependency{{Ref: program.BOMRef, Dependencies: &needs}}
	var text bytes.Buffer
	if err := cdx.NewBOMEncoder(&text, cdx.BOMFileFormatJSON).SetPretty(true).EncodeVersion(bom, cdx.SpecVersion1_6); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// moduleComponent is a module of Go, with the digest that go.sum has of it.
func moduleComponent(kind cdx.ComponentType, m *debug.Module) cdx.Component {
	url := "pkg:golang/" + m.Path + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
	c := cdx.Component{BOMRef: url, Type: kind, Name: m.Path, Version: m.Version, PackageURL: url}
	if m.Sum != "" {
		c.Properties = &[]cdx.Property{{Name: "go:sum", Value: m.Sum}}
	}
	return c
}

func hashes(content []byte) *[]cdx.Hash {
	return &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: digest(content)}}
}

// serial is a number of the list that depends on the program only: a UUID of version 8.
func serial(b *build, program cdx.Component) string {
	d := []byte(digest([]byte(b.name() + (*program.Hashes)[0].Value)))
	d[12], d[16] = '8', 'a'
	return "urn:uuid:" + strings.Join([]string{string(d[:8]), string(d[8:12]), string(d[12:16]), string(d[16:20]), string(d[20:32])}, "-")
}
