package provenance

// Registries says which connectors come from registries, and how they are reached. The zero value has none.
type Registries struct {
	// From are the references of connectors, by the connector's name.
	From map[string]Reference
	// Mirror is a folder, an OCI image layout, that is asked in the place of every registry; empty asks them.
	Mirror string
	// Blobs are hosts from which the blobs of a registry may come, beside its own, by the registry's host.
	Blobs map[string][]string
}
