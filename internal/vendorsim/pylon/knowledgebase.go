package pylon

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func listKnowledgeBases(c *call) (result, *apiError) {
	return all(c.v.store.knowledgeBases.everything())
}

func (c *call) knowledgeBaseAt() (*row[knowledgeBase], *apiError) {
	if r := c.v.store.knowledgeBases.get(c.vars[0]); r != nil {
		return r, nil
	}
	return nil, notFound("knowledge base", c.vars[0])
}

// articleAt finds the article the path names. It does not make tables: reads share the lock.
func (c *call) articleAt() (*table[article], *row[article], *apiError) {
	kb, err := c.knowledgeBaseAt()
	if err != nil {
		return nil, nil, err
	}
	if t := c.v.store.articles[kb.id]; t != nil {
		if r := t.get(c.vars[1]); r != nil {
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
func listArticles(c *call) (result, *apiError) {
	kb, err := c.knowledgeBaseAt()
	if err != nil {
		return result{}, err
	}
	lang := c.query["language"]
	if err := c.language(&kb.val, lang); err != nil {
		return result{}, err
	}
	t := c.v.store.articles[kb.id]
	if t == nil {
		t = &table[article]{}
	}
	res, err := paginate(c, c.limit(), pageQuery[article]{
		table: t, scope: scopeOf(c.ep.op.Route(), kb.id, lang),
		match: func(a *article) bool { _, ok := a.in(lang, &kb.val); return ok },
	})
	if err != nil || lang == "" || lang == kb.val.DefaultLanguage {
		return res, err
	}
	for i, s := range res.many {
		a, _ := s.(*row[article]).val.in(lang, &kb.val)
		res.many[i] = value{a}
	}
	return res, nil
}

func getArticle(c *call) (result, *apiError) {
	_, r, err := c.articleAt()
	if err != nil {
		return result{}, err
	}
	kb, lang := c.v.store.knowledgeBases.get(c.vars[0]), c.query["language"]
	if lang == "" || lang == kb.val.DefaultLanguage {
		return one(r)
	}
	if err := c.language(&kb.val, lang); err != nil {
		return result{}, err
	}
	a, ok := r.val.in(lang, &kb.val)
	if !ok {
		return result{}, notFound("translation of article into", lang)
	}
	return one(value{a})
}

func createArticle(c *call) (result, *apiError) {
	kb, err := c.knowledgeBaseAt()
	if err != nil {
		return result{}, err
	}
	s, b, now := &c.v.store, c.body, c.stamp()
	writer, err := c.userRef("author_user_id", b.text("author_user_id"))
	if err != nil {
		return result{}, err
	}
	t := child(s.articles, kb.id)
	a := article{
		ID: s.newID(), Title: b.text("title"), Slug: b.text("slug"), AuthorUserID: writer.ID, DraftHTML: b.text("body_html"),
		IsUnlisted: b.flag("is_unlisted"), Tags: []tag{}, VisibilityConfig: b.object("visibility_config"), CreatedAt: now, LastEditedAt: &now,
	}
	if a.Slug == "" {
		a.Slug = slugify(a.Title, "-")
	}
	if other := t.find(func(o *article) bool { return o.Slug == a.Slug }); other != nil {
		return result{}, duplicate("article", "slug", other.id)
	}
	if id := b.text("collection_id"); id != "" {
		if child(s.collections, kb.id).get(id) == nil {
			return result{}, invalid("collection_id: no collection %q", id)
		}
		a.CollectionID = &id
	}
	for i, tr := range b.objects("translations") {
		if err := c.language(&kb.val, tr.text("language")); err != nil {
			return result{}, invalid("translations[%d].%s", i, err.messages[0])
		}
		if a.translations == nil {
			a.translations = map[string]translation{}
		}
		a.translations[tr.text("language")] = translation{tr.text("title"), tr.text("body_html")}
	}
	if b.flag("is_published") {
		a.IsPublished, a.PublishedHTML, a.LastPublishedAt = true, a.DraftHTML, &now
	}
	a.Identifier = fmt.Sprintf("ART-%d", len(t.rows)+1)
	a.URL = "https://help.example/" + kb.val.Slug + "/articles/" + a.Slug
	c.audit("article.created", "article", a.ID)
	return one(t.insert(a.ID, 0, a))
}

func updateArticle(c *call) (result, *apiError) {
	t, r, err := c.articleAt()
	if err != nil {
		return result{}, err
	}
	s, b, now, a := &c.v.store, c.body, c.stamp(), r.val
	kb := s.knowledgeBases.get(c.vars[0])
	lang := b.text("language")
	if err := c.language(&kb.val, lang); err != nil {
		return result{}, err
	}
	if lang != "" && lang != kb.val.DefaultLanguage {
		tr := a.translations[lang]
		if b.has("title") {
			tr.title = b.text("title")
		}
		if b.has("body_html") {
			tr.bodyHTML = b.text("body_html")
		}
		a.translations = maps.Clone(a.translations)
		if a.translations == nil {
			a.translations = map[string]translation{}
		}
		a.translations[lang] = tr
	} else {
		if b.has("title") {
			a.Title = b.text("title")
		}
		if b.has("body_html") {
			a.DraftHTML = b.text("body_html")
		}
	}
	if b.has("is_unlisted") {
		a.IsUnlisted = b.flag("is_unlisted")
	}
	if b.has("visibility_config") {
		a.VisibilityConfig = b.object("visibility_config")
	}
	if b.has("tag_ids") {
		a.Tags = []tag{}
		for _, id := range b.texts("tag_ids") {
			tg := s.tags.get(id)
			if tg == nil {
				return result{}, invalid("tag_ids: no tag %q", id)
			}
			a.Tags = append(a.Tags, tg.val)
		}
	}
	publishing := b.flag("is_published") && !a.IsPublished
	if b.has("is_published") {
		a.IsPublished = b.flag("is_published")
	}
	// An edit of a published article stays a draft until it is published, unless the caller asks for both at once.
	if publishing || a.IsPublished && b.flag("publish_updated_body_html") {
		a.PublishedHTML, a.LastPublishedAt = a.DraftHTML, &now
	}
	a.LastEditedAt = &now
	c.audit("article.updated", "article", a.ID)
	return one(t.replace(r, a))
}

func deleteArticle(c *call) (result, *apiError) {
	t, r, err := c.articleAt()
	if err != nil {
		return result{}, err
	}
	t.remove(r)
	c.audit("article.deleted", "article", r.id)
	return result{}, nil
}

func listCollections(c *call) (result, *apiError) {
	kb, err := c.knowledgeBaseAt()
	if err != nil {
		return result{}, err
	}
	if t := c.v.store.collections[kb.id]; t != nil {
		return all(t.everything())
	}
	return all(nil)
}

func createCollection(c *call) (result, *apiError) {
	kb, err := c.knowledgeBaseAt()
	if err != nil {
		return result{}, err
	}
	s, b := &c.v.store, c.body
	t := child(s.collections, kb.id)
	col := collection{ID: s.newID(), Title: b.text("title"), Description: b.text("description"), Slug: b.text("slug"), Icon: "book", CreatedAt: c.stamp()}
	if col.Slug == "" {
		col.Slug = slugify(col.Title, "-")
	}
	if other := t.find(func(o *collection) bool { return o.Slug == col.Slug }); other != nil {
		return result{}, duplicate("collection", "slug", other.id)
	}
	if id := b.text("parent_collection_id"); id != "" {
		if t.get(id) == nil {
			return result{}, invalid("parent_collection_id: no collection %q", id)
		}
		col.ParentCollectionID = &id
	}
	c.audit("collection.created", "collection", col.ID)
	return one(t.insert(col.ID, 0, col))
}
