package ashby

import "strings"

// checkWebhookURL wants an https address, except on a loopback host.
func checkWebhookURL(url string) *apiError {
	local := strings.HasPrefix(url, "http://127.0.0.1") || strings.HasPrefix(url, "http://localhost")
	if !isWebURL(url) || !local && !strings.HasPrefix(url, "https://") {
		return invalid("requestUrl must be an https URL")
	}
	return nil
}

func createWebhook(c *call) (result, *apiError) {
	s, url := &c.v.store, c.body.Text("requestUrl")
	if err := checkWebhookURL(url); err != nil {
		return result{}, err
	}
	kind := c.body.Text("webhookType")
	if s.webhooks.Find(func(w *webhook) bool { return w.WebhookType == kind && w.RequestURL == url }) != nil {
		return result{}, refuse("webhook_already_exists", "A webhook of this type already calls this URL")
	}
	w := webhook{ID: s.newID(), Enabled: true, WebhookType: kind, RequestURL: url, SecretToken: c.body.Text("secretToken")}
	return one(add(c, &s.webhooks, w.ID, w))
}

func (c *call) webhook() (*row[webhook], *apiError) {
	return lookup(c, &c.v.store.webhooks, "webhookId", "webhook", "Webhook")
}

func webhookInfo(c *call) (result, *apiError) {
	r, err := c.webhook()
	if err != nil {
		return result{}, err
	}
	w := r.Val
	return value(struct {
		ID          string `json:"id"`
		Enabled     bool   `json:"enabled"`
		RequestURL  string `json:"requestUrl"`
		WebhookType string `json:"webhookType"`
	}{w.ID, w.Enabled, w.RequestURL, w.WebhookType})
}

func updateWebhook(c *call) (result, *apiError) {
	r, err := c.webhook()
	if err != nil {
		return result{}, err
	}
	w, b := r.Val, c.body
	if b.Has("requestUrl") {
		w.RequestURL = b.Text("requestUrl")
		if err := checkWebhookURL(w.RequestURL); err != nil {
			return result{}, err
		}
	}
	b.SetFlag("enabled", &w.Enabled)
	b.SetText("secretToken", &w.SecretToken)
	return one(put(c, &c.v.store.webhooks, r, w))
}

func deleteWebhook(c *call) (result, *apiError) {
	r, err := c.webhook()
	if err != nil {
		return result{}, err
	}
	c.v.store.webhooks.Remove(r)
	return value(map[string]string{"webhookId": r.ID})
}
