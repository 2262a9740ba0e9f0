package pylon

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func (c *call) knowledgeBaseAt() (*row[knowledgeBase], *apiError) {
	if r := c.v.store.knowledgeBases.Get(c.vars[0]); r != nil {
		return r, nil
	}
	return nil, notFound("knowledge base", c.vars[0])
}

// articleAt finds the article of the path. It does not make tables, because reads share the lock.
func (c *call) articleAt() (*table[article], *row[article], *apiError) {
	kb, err := c.knowledgeBaseAt()
	if err != nil {
		return nil, nil, err
	}
	if t := c.v.store.articles[kb.ID]; t != nil {
		if r := t.Get(c.vars[1]); r != nil {
			return t, r, nil
		}
	}
	return nil, nil, notFound("article", c.vars[1])
}

// in returns the article in a language; false when it has no such translation.
func (a article) in(language string, kb *knowledgeBase) (article, bool) {
	if language == "" || language == kb.DefaultLanguage {
		return a, true
	}
	tr, ok := a.translations[language]
	if !ok {
		return a, false
	}
	a.Title, a.DraftHTML = tr.title, tr.bodyHTML
	if a.IsPublished {
		a.PublishedHTML = tr.bodyHTML
	}
	return a, true
}

func (c *call) language(kb *knowledgeBase, language string) *apiError {
	if language != "" && !slices.Contains(kb.SupportedLanguages, language) {
		return invalid("language: %q is none of %s", language, strings.Join(kb.SupportedLanguages, ", "))
	}
	return nil
}

// listArticles answers a knowledge base's articles; with language, those that exist in it, translated.
func listArticles(c *call, kb *row[knowledgeBase]) (result, *apiError) {
	lang := c.query["language"]
	if err := c.language(&kb.Val, lang); err != nil {
		return result{}, err
	}
	t := c.v.store.articles[kb.ID]
	if t == nil {
		t = &table[article]{}
	}
	res, err := paginate(c, c.limit(), pageQuery[article]{
		table: t, scope: contract.ScopeOf(c.ep.op.Route(), kb.ID, lang),
		match: func(a *article) bool { _, ok := a.in(lang, &kb.Val); return ok },
	})
	if err != nil || lang == "" || lang == kb.Val.DefaultLanguage {
		return res, err
	}
	for i, s := range res.Many {
		if r, ok := s.(*row[article]); ok {
			a, _ := r.Val.in(lang, &kb.Val)
			res.Many[i] = contract.Value{V: a}
		}
	}
	return res, nil
}

func getArticle(c *call, _ *table[article], r *row[article]) (result, *apiError) {
	kb, lang := c.v.store.knowledgeBases.Get(c.vars[0]), c.query["language"]
	if lang == "" || lang == kb.Val.DefaultLanguage {
		return one(r)
	}
	if err := c.language(&kb.Val, lang); err != nil {
		return result{}, err
	}
	a, ok := r.Val.in(lang, &kb.Val)
	if !ok {
		return result{}, notFound("translation of article into", lang)
	}
	return one(contract.Value{V: a})
}

func createArticle(c *call, kb *row[knowledgeBase]) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	writer, err := c.userRef("author_user_id", b.Text("author_user_id"))
	if err != nil {
		return result{}, err
	}
	t := child(s.articles, kb.ID)
	a := article{
		ID: s.newID(), Title: b.Text("title"), Slug: b.Text("slug"), AuthorUserID: writer.ID, DraftHTML: b.Text("body_html"),
		IsUnlisted: b.Flag("is_unlisted"), Tags: []tag{}, VisibilityConfig: b.Object("visibility_config"), CreatedAt: now, LastEditedAt: &now,
	}
	if a.Slug == "" {
		a.Slug = slugify(a.Title, "-")
	}
	if other := t.Find(func(o *article) bool { return o.Slug == a.Slug }); other != nil {
		return result{}, duplicate("article", "slug", other.ID)
	}
	if id := b.Text("collection_id"); id != "" {
		if child(s.collections, kb.ID).Get(id) == nil {
			return result{}, invalid("collection_id: no collection %q", id)
		}
		a.CollectionID = &id
	}
	for i, tr := range b.Objects("translations") {
		if err := c.language(&kb.Val, tr.Text("language")); err != nil {
			return result{}, invalid("translations[%d].%s", i, err.messages[0])
		}
		if a.translations == nil {
			a.translations = map[string]translation{}
		}
		a.translations[tr.Text("language")] = translation{tr.Text("title"), tr.Text("body_html")}
	}
	if b.Flag("is_published") {
		a.IsPublished, a.PublishedHTML, a.LastPublishedAt = true, a.DraftHTML, &now
	}
	a.Identifier = fmt.Sprintf("ART-%d", len(t.Rows)+1)
	a.URL = "https://help.example/" + kb.Val.Slug + "/articles/" + a.Slug
	c.audit("article.created", "article", a.ID)
	return one(t.Insert(a.ID, 0, a))
}

func updateArticle(c *call, t *table[article], r *row[article]) (result, *apiError) {
	s, b, now, a := &c.v.store, c.body, c.stamp(), r.Val
	kb := s.knowledgeBases.Get(c.vars[0])
	lang := b.Text("language")
	if err := c.language(&kb.Val, lang); err != nil {
		return result{}, err
	}
	if lang != "" && lang != kb.Val.DefaultLanguage {
		tr := a.translations[lang]
		b.SetText("title", &tr.title)
		b.SetText("body_html", &tr.bodyHTML)
		a.translations = maps.Clone(a.translations)
		if a.translations == nil {
			a.translations = map[string]translation{}
		}
		a.translations[lang] = tr
	} else {
		b.SetText("title", &a.Title)
		b.SetText("body_html", &a.DraftHTML)
	}
	b.SetFlag("is_unlisted", &a.IsUnlisted)
	if b.Has("visibility_config") {
		a.VisibilityConfig = b.Object("visibility_config")
	}
	if b.Has("tag_ids") {
		a.Tags = []tag{}
		for _, id := range b.Texts("tag_ids") {
			tg := s.tags.Get(id)
			if tg == nil {
				return result{}, invalid("tag_ids: no tag %q", id)
			}
			a.Tags = append(a.Tags, tg.Val)
		}
	}
	publishing := b.Flag("is_published") && !a.IsPublished
	b.SetFlag("is_published", &a.IsPublished)
	// An edit of a published article stays a draft until it is published, unless the caller asks for both at once.
	if publishing || a.IsPublished && b.Flag("publish_updated_body_html") {
		a.PublishedHTML, a.LastPublishedAt = a.DraftHTML, &now
	}
	a.LastEditedAt = &now
	c.audit("article.updated", "article", a.ID)
	return one(t.Replace(r, a))
}

func deleteArticle(c *call, t *table[article], r *row[article]) (result, *apiError) {
	t.Remove(r)
	c.audit("article.deleted", "article", r.ID)
	return result{}, nil
}
