package tokenfile

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/agenthost/agenthost/host/secret"
)

// plainRow is a row as JSON, before it is encrypted.
type plainRow struct {
	Access   []byte    `json:"access,omitempty"`
	Refresh  []byte    `json:"refresh,omitempty"`
	Previous []byte    `json:"previous,omitempty"`
	Until    time.Time `json:"until,omitzero"`
	Seed     string    `json:"seed,omitempty"`
}

func encode(row Row) ([]byte, error) {
	var plain []byte
	err := row.Access.Reveal(func(access []byte) error {
		return row.Refresh.Reveal(func(refresh []byte) error {
			return row.Previous.Reveal(func(previous []byte) (err error) {
				plain, err = json.Marshal(plainRow{access, refresh, previous, row.Until.UTC(), row.Seed})
				return err
			})
		})
	})
	return plain, err
}

func decode(plain []byte) (Row, error) {
	var p plainRow
	if json.Unmarshal(plain, &p) != nil { // whose error would quote it
		return Row{}, errors.New("not a row")
	}
	row := Row{Access: secret.New(p.Access), Refresh: secret.New(p.Refresh), Previous: secret.New(p.Previous), Until: p.Until, Seed: p.Seed}
	for _, b := range [][]byte{p.Access, p.Refresh, p.Previous} {
		clear(b)
	}
	return row, nil
}
