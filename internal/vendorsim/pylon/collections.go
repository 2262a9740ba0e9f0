package pylon

func (c *call) collectionAt() (*table[collection], *row[collection], *apiError) {
	kb, err := c.knowledgeBaseAt()
	if err != nil {
		return nil, nil, err
	}
	if t := c.v.store.collections[kb.ID]; t != nil {
		if r := t.Get(c.vars[1]); r != nil {
			return t, r, nil
		}
	}
	return nil, nil, notFound("collection", c.vars[1])
}

func listCollections(c *call, kb *row[knowledgeBase]) (result, *apiError) {
	if t := c.v.store.collections[kb.ID]; t != nil {
		return all(t.Matching(nil))
	}
	return all(nil)
}

func createCollection(c *call, kb *row[knowledgeBase]) (result, *apiError) {
	s, b := &c.v.store, c.body
	t := child(s.collections, kb.ID)
	col := collection{ID: s.newID(), Title: b.Text("title"), Description: b.Text("description"), Slug: b.Text("slug"), Icon: "book", CreatedAt: c.stamp()}
	if col.Slug == "" {
		col.Slug = slugify(col.Title, "-")
	}
	if other := t.Find(func(o *collection) bool { return o.Slug == col.Slug }); other != nil {
		return result{}, duplicate("collection", "slug", other.ID)
	}
	if id := b.Text("parent_collection_id"); id != "" {
		if t.Get(id) == nil {
			return result{}, invalid("parent_collection_id: no collection %q", id)
		}
		col.ParentCollectionID = &id
	}
	c.audit("collection.created", "collection", col.ID)
	return one(t.Insert(col.ID, 0, col))
}

func getCollection(_ *call, _ *table[collection], r *row[collection]) (result, *apiError) {
	return one(r)
}

func updateCollection(c *call, t *table[collection], r *row[collection]) (result, *apiError) {
	b, col := c.body, r.Val
	if b.Has("title") {
		if col.Title = b.Text("title"); col.Title == "" {
			return result{}, invalid("title must not be empty")
		}
	}
	b.SetText("description", &col.Description)
	if b.Has("slug") && b.Text("slug") != col.Slug {
		col.Slug = b.Text("slug")
		if other := t.Find(func(o *collection) bool { return o.Slug == col.Slug }); other != nil {
			return result{}, duplicate("collection", "slug", other.ID)
		}
	}
	if b.Has("visibility_config") {
		col.VisibilityConfig = b.Object("visibility_config")
	}
	c.audit("collection.updated", "collection", col.ID)
	return one(t.Replace(r, col))
}

// deleteCollection removes a collection, but not its articles.
func deleteCollection(c *call, t *table[collection], r *row[collection]) (result, *apiError) {
	t.Remove(r)
	out := func(of **string) bool {
		in := *of != nil && **of == r.ID
		if in {
			*of = nil
		}
		return in
	}
	t.Update(func(col *collection) bool { return out(&col.ParentCollectionID) })
	if articles := c.v.store.articles[c.vars[0]]; articles != nil {
		articles.Update(func(a *article) bool { return out(&a.CollectionID) })
	}
	c.audit("collection.deleted", "collection", r.ID)
	return result{}, nil
}
