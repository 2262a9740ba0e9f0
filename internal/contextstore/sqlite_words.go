package contextstore

import (
	"errors"
	"strings"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/ncruces/go-sqlite3"
)

// mostSpelled is how many words a beginning is replaced with at most.
const mostSpelled = 64

// spelled replaces the beginnings of words with the words of the index that begin so. FTS5 collects all records of a
// beginning before it answers the first one, and the records of words while it is asked for them. Beginnings of
// more words stay as they are.
func (c *conn) spelled(e *entity, t *query.Terms) (*query.Terms, error) {
	if t.Term != "" {
		if !t.Beginning {
			return t, nil
		}
		words, err := c.wordsFrom(e, t.Term)
		if err != nil || len(words) > mostSpelled {
			return t, err
		}
		some := &query.Terms{}
		for _, w := range words {
			some.Any = append(some.Any, &query.Terms{Term: w})
		}
		switch len(words) {
		case 0:
			return &query.Terms{Term: t.Term}, nil // no record has it, as a word or otherwise
		case 1:
			return some.Any[0], nil
		}
		return some, nil
	}
	all, err := c.spelledEach(e, t.All)
	if err != nil {
		return nil, err
	}
	some, err := c.spelledEach(e, t.Any)
	return &query.Terms{All: all, Any: some}, err
}

func (c *conn) spelledEach(e *entity, terms []*query.Terms) (spelled []*query.Terms, err error) {
	for _, one := range terms {
		if one, err = c.spelled(e, one); err != nil {
			return nil, err
		}
		spelled = append(spelled, one)
	}
	return spelled, nil
}

// wordsFrom returns the words of the index with a beginning, the first mostSpelled and one more if there are more.
func (c *conn) wordsFrom(e *entity, beginning string) (words []string, err error) {
	if err := c.vocabulary(e); err != nil {
		return nil, err
	}
	// The table has a row for each word of each record. Nothing is between a word and the word with a byte of 1.
	err = c.query(func(s *sqlite3.Stmt) (bool, error) {
		word := s.ColumnText(0)
		if !strings.HasPrefix(word, beginning) {
			return false, nil
		}
		words = append(words, word)
		return len(words) <= mostSpelled, nil
	}, named(e.slot, `WITH RECURSIVE words(word) AS (SELECT (SELECT term FROM temp.vN WHERE term >= ?1 LIMIT 1)
UNION ALL SELECT (SELECT term FROM temp.vN WHERE term >= word || char(1) LIMIT 1) FROM words WHERE word IS NOT NULL) SELECT word FROM words`), beginning)
	return words, err
}

// vocabulary makes the table of the words of an entity's index, which has no bytes of its own and is this connection's.
func (c *conn) vocabulary(e *entity) (err error) {
	if c.vocabularies[e.slot] {
		return nil
	}
	if err := c.db.Exec("PRAGMA query_only=0"); err != nil { // it is for temporary tables, too
		return err
	}
	err = c.db.Exec(named(e.slot, "CREATE VIRTUAL TABLE IF NOT EXISTS temp.vN USING fts5vocab(main, fN, instance)"))
	c.vocabularies[e.slot] = err == nil
	return errors.Join(err, c.db.Exec("PRAGMA query_only=1"))
}
