package main

import (
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
)

// authModes say what each mode needs, by the names that the Airbyte API has for it.
type authModes struct {
	Direct directAuth  `json:"direct"`
	Hosted *hostedAuth `json:"hosted"` // null where the Airbyte API does not have the connector
}

type directAuth struct {
	Credentials []abi.AuthField `json:"credentials"`
	OAuth       bool            `json:"oauth"`
}

// hostedAuth is what creating a connector in the Airbyte API takes.
type hostedAuth struct {
	ConnectorType     string          `json:"connector_type"`
	DefinitionID      string          `json:"definition_id"`
	Credentials       []abi.AuthField `json:"credentials"`
	ReplicationConfig []abi.AuthField `json:"replication_config"`
	// OAuth and OwnOAuth (an OAuth flow of one's own) would be for vendors that have
	// OAuth.
	OAuth    bool `json:"oauth"`
	OwnOAuth bool `json:"own_oauth"`
}

// modesOf collects what the schemes say.
func modesOf(info *host.ConnectorInfo) authModes {
	var m authModes
	hosted := hostedAuth{Credentials: append([]abi.AuthField{}, handedFields(info.Auth)...), ReplicationConfig: info.Auth.Replication}
	if hosted.ReplicationConfig == nil {
		hosted.ReplicationConfig = []abi.AuthField{}
	}
	for _, scheme := range info.Auth.Schemes {
		m.Direct.Credentials = append(m.Direct.Credentials, scheme.Fields...)
		if scheme.Type == abi.AuthOAuth2 {
			m.Direct.OAuth = true
		}
		if !scheme.DirectOnly {
			hosted.OAuth = hosted.OAuth || scheme.Type == abi.AuthOAuth2
		}
	}
	hosted.OwnOAuth = hosted.OAuth
	if airbyte := info.Manifest.Airbyte; airbyte != nil && airbyte.DefinitionID != "" {
		hosted.ConnectorType, hosted.DefinitionID = airbyte.ConnectorType, airbyte.DefinitionID
		m.Hosted = &hosted
	}
	return m
}

// showHostedAuth says what hosted mode needs.
func (a *app) showHostedAuth(h *hostedAuth) error {
	if h == nil {
		return a.print("%s\nThe Airbyte API does not have this connector.\n", a.heading("Mode hosted"))
	}
	if err := a.print("%s\nThe Airbyte API keeps the credential, under its connector %s; agenthost hosted create hands it over.\n\n", a.heading("Mode hosted"), render.Visible(h.ConnectorType)); err != nil {
		return err
	}
	var rows [][]string
	add := func(where string, fields []abi.AuthField) {
		for _, f := range fields {
			rows = append(rows, []string{where, render.Visible(f.Name), yes(f.Required), yes(f.Secret), render.Visible(f.Format), render.Visible(f.Description)})
		}
	}
	add("credentials", h.Credentials)
	add("replication_config", h.ReplicationConfig)
	if err := render.Rows(a.stdout, a.style(render.Table), []string{"WHERE", "FIELD", "NEEDED", "SECRET", "FORMAT", "DESCRIPTION"}, rows); err != nil {
		return err
	}
	if len(h.ReplicationConfig) == 0 {
		if err := a.print("There is no replication_config.\n"); err != nil {
			return err
		}
	}
	if !h.OAuth {
		return a.print("OAuth, and an OAuth flow of your own, are not available for this connector.\n")
	}
	return nil
}
