package airbyte

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
	"github.com/agenthost/agenthost/pdk/abi"
)

type semantic struct {
	Prompt        string   `json:"prompt"`
	Field         string   `json:"field"`
	MinSimilarity *float64 `json:"min_similarity"`
	Dedup         string   `json:"dedup"`
	ContextSize   int      `json:"context_size"`
}

type hit struct {
	Entity   map[string]any `json:"entity"`
	Metadata hitMetadata    `json:"metadata"`
}

type hitMetadata struct {
	Score   float64 `json:"score"`
	Context string  `json:"context"`
}

// searchByMeaning ranks records by how many words of the prompt they have.
func (s *Service) searchByMeaning(ctx context.Context, c *connector, entity string, q *semantic, limit int) (json.RawMessage, *abi.Error) {
	fields := c.definition.Semantic[entity]
	switch {
	case len(fields) == 0:
		return nil, wrongQuery("semantic", entity+" cannot be searched by meaning")
	case q.Prompt == "":
		return nil, wrongQuery("semantic.prompt", "prompt is required")
	case !slices.Contains([]string{"", "max", "none"}, q.Dedup):
		return nil, wrongQuery("semantic.dedup", "dedup is max or none")
	}
	field := cmp.Or(q.Field, fields[0])
	if !slices.Contains(fields, field) {
		return nil, wrongQuery("semantic.field", field+" cannot be searched by meaning")
	}
	records, failed := s.copies(ctx, c, entity)
	if failed != nil {
		return nil, failed
	}
	words := strings.Fields(strings.ToLower(q.Prompt))
	hits := []hit{}
	for _, raw := range records {
		record, _ := decode(raw).(map[string]any)
		text, _ := record[field].(string)
		found := 0
		for _, word := range words {
			if strings.Contains(strings.ToLower(text), word) {
				found++
			}
		}
		score := float64(found) / float64(max(len(words), 1))
		if found == 0 || q.MinSimilarity != nil && score < *q.MinSimilarity {
			continue
		}
		if q.ContextSize > 0 {
			text = string([]rune(text)[:min(q.ContextSize, len([]rune(text)))])
		}
		hits = append(hits, hit{record, hitMetadata{score, text}})
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return cmp.Compare(b.Metadata.Score, a.Metadata.Score) })
	return found(hits[:min(limit, len(hits))], len(hits) > limit)
}

func found(data any, more bool) (json.RawMessage, *abi.Error) {
	return contract.Encode(map[string]any{"data": data, "meta": map[string]any{"has_more": more, "took_ms": 1}}), nil
}
