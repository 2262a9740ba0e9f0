package main

import "github.com/agenthost/agenthost/pdk"

// knowledgeOperations are the operations on knowledge bases, their articles and
// collections.
func knowledgeOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "knowledge_bases", Action: "list", Title: "List knowledge bases", Effect: pdk.Read, List: true,
			Description: "The knowledge bases of the organization, with their languages.",
			Method:      "GET", Path: "/knowledge-bases",
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
		},
		{
			Entity: "knowledge_bases", Action: "get", Title: "Get a knowledge base", Effect: pdk.Read,
			Description: "One knowledge base, with its languages.",
			Method:      "GET", Path: "/knowledge-bases/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the knowledge base, as knowledge_bases.list gives it."))},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"kb_1"}`},
		},
		{
			Entity: "articles", Action: "list", Title: "List articles", Effect: pdk.Read,
			Description: "The articles of a knowledge base.",
			Method:      "GET", Path: "/knowledge-bases/{kb_id}/articles",
			Params: []pdk.Param{kbID, pdk.Query("language", articleLanguage)},
			Data:   "/data", Meta: pageMeta, Page: queryPage(999), RateLimit: perMinute(20),
			Examples: []string{`{"kb_id":"kb_1","limit":50}`},
		},
		{
			Entity: "articles", Action: "get", Title: "Get an article", Effect: pdk.Read,
			Description: "One article, with its draft and its published text.",
			Method:      "GET", Path: "/knowledge-bases/{kb_id}/articles/{article_id}",
			Params: []pdk.Param{kbID, articleID, pdk.Query("language", articleLanguage)},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"kb_id":"kb_1","article_id":"art_1"}`},
		},
		{
			Entity: "articles", Action: "create", Title: "Create an article", Effect: pdk.Write,
			Description: "Adds an article to a knowledge base, as a draft unless is_published is true.",
			Method:      "POST", Path: "/knowledge-bases/{kb_id}/articles",
			Params: []pdk.Param{
				kbID,
				pdk.Body("title", text("Title of the article.")).Required(),
				pdk.Body("body_html", html("Text of the article, as HTML.")).Required(),
				pdk.Body("author_user_id", id("User who is named as its author.")).Required(),
				pdk.Body("slug", text("Slug for its URL; made from the title if left out.")),
				pdk.Body("is_published", pdk.Boolean("Publish it at once.").Default("false")),
				pdk.Body("collection_id", id("Collection that it belongs to, as collections.list gives it.")),
				pdk.Body("is_unlisted", pdk.Boolean("Only those who know the URL find it.")),
				pdk.Body("translations", pdk.Array("The article in other languages.", pdk.Object("One translation.",
					pdk.Prop("language", text("Language, such as de.")).Required(),
					pdk.Prop("title", text("Title in that language.")).Required(),
					pdk.Prop("body_html", html("Text in that language, as HTML.")).Required())).Max(100)),
				pdk.Body("visibility_config", visibility("Who sees the article.",
					pdk.Prop("customer_visibility_condition", pdk.Ref("filter", "Which customers see it.")))),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"kb_id":"kb_1","title":"Reset a password","body_html":"<p>Open Settings.</p>","author_user_id":"usr_1"}`},
		},
		{
			Entity: "articles", Action: "update", Title: "Update an article", Effect: pdk.Write, Idempotent: true,
			Description: "Changes fields of an article; what is not named stays. A new text stays a draft unless publish_updated_body_html is true.",
			Method:      "PATCH", Path: "/knowledge-bases/{kb_id}/articles/{article_id}",
			Params: []pdk.Param{
				kbID, articleID,
				pdk.Body("title", text("Title of the article.")),
				pdk.Body("body_html", html("Text of the article, as HTML.")),
				pdk.Body("is_published", pdk.Boolean("Publish it, or take it back.")),
				pdk.Body("is_unlisted", pdk.Boolean("Only those who know the URL find it.")),
				pdk.Body("language", text("Language of the translation to change, such as de.")),
				pdk.Body("publish_updated_body_html", pdk.Boolean("Publish the new text at once.")),
				pdk.Body("tag_ids", ids("All tags that it shall have.")),
				pdk.Body("visibility_config", visibility("Who sees the article.",
					pdk.Prop("customer_visibility_condition", pdk.Ref("filter", "Which customers see it.")))),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"kb_id":"kb_1","article_id":"art_1","title":"Reset your password"}`},
		},
		{
			Entity: "articles", Action: "delete", Title: "Delete an article", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes an article, for good.",
			Method:      "DELETE", Path: "/knowledge-bases/{kb_id}/articles/{article_id}",
			Params: []pdk.Param{kbID, articleID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"kb_id":"kb_1","article_id":"art_1"}`},
		},
		{
			Entity: "collections", Action: "list", Title: "List collections", Effect: pdk.Read, List: true,
			Description: "The collections of a knowledge base, which group its articles.",
			Method:      "GET", Path: "/knowledge-bases/{kb_id}/collections",
			Params: []pdk.Param{kbID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"kb_id":"kb_1"}`},
		},
		{
			Entity: "collections", Action: "create", Title: "Create a collection", Effect: pdk.Write,
			Description: "Adds a collection to a knowledge base.",
			Method:      "POST", Path: "/knowledge-bases/{kb_id}/collections",
			Params: []pdk.Param{
				kbID,
				pdk.Body("title", text("Title of the collection.")).Required(),
				pdk.Body("description", text("What it holds.")),
				pdk.Body("slug", text("Slug for its URL; made from the title if left out.")),
				pdk.Body("parent_collection_id", id("Collection that it is a part of.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"kb_id":"kb_1","title":"Getting started"}`},
		},
		{
			Entity: "collections", Action: "get", Title: "Get a collection", Effect: pdk.Read,
			Description: "One collection of a knowledge base.",
			Method:      "GET", Path: "/knowledge-bases/{kb_id}/collections/{collection_id}",
			Params: []pdk.Param{kbID, collectionID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"kb_id":"kb_1","collection_id":"col_1"}`},
		},
		{
			Entity: "collections", Action: "update", Title: "Update a collection", Effect: pdk.Write, Idempotent: true,
			Description: "Changes fields of a collection; what is not named stays.",
			Method:      "PATCH", Path: "/knowledge-bases/{kb_id}/collections/{collection_id}",
			Params: []pdk.Param{
				kbID, collectionID,
				pdk.Body("title", text("Title of the collection.")),
				pdk.Body("description", text("What it holds.")),
				pdk.Body("slug", text("Slug for its URL.")),
				pdk.Body("visibility_config", visibility("Who sees the collection.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"kb_id":"kb_1","collection_id":"col_1","title":"First steps"}`},
		},
		{
			Entity: "collections", Action: "delete", Title: "Delete a collection", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes a collection from a knowledge base, for good.",
			Method:      "DELETE", Path: "/knowledge-bases/{kb_id}/collections/{collection_id}",
			Params: []pdk.Param{kbID, collectionID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"kb_id":"kb_1","collection_id":"col_1"}`},
		},
	}
}

var (
	kbID            = pdk.Path("kb_id", id("Id of the knowledge base, as knowledge_bases.list gives it."))
	articleID       = pdk.Path("article_id", id("Id of the article."))
	collectionID    = pdk.Path("collection_id", id("Id of the collection, as collections.list gives it."))
	articleLanguage = text("Language of the text, such as de; the knowledge base's own if left out.")
)

// visibility says who sees an article or a collection.
func visibility(description string, more ...pdk.Property) *pdk.Schema {
	return pdk.Object(description, append([]pdk.Property{
		pdk.Prop("visibility", pdk.Enum("Everybody, customers, or only the organization.", "public", "customer", "internal_only")),
		pdk.Prop("ai_agent_access", pdk.Enum("Which AI agents use it.", "inherit", "none", "specific_agents")),
		pdk.Prop("allowed_agent_ids", ids("The agents, for specific_agents.")),
	}, more...)...)
}
