package server

import (
	"net/http"
	"time"

	"github.com/agenthost/agenthost/server/internal/pages"
)

// pageFolders are the paths that begin those of pages for people.
var pageFolders = []string{"/pages/", connectPath, signInPath, signInPath + "/", logoutPath, plansFolder}

// pageTimeout bounds a request of a page. It is longer than a call to a vendor takes.
const pageTimeout = 2 * time.Minute

// newPages makes the pages for people.
func (s *Server) newPages() (*pages.Site, error) {
	site, err := pages.New(pages.Options{
		URL: s.options.URL, Ready: s.ready, Hold: s.host.HoldMessage, NewID: newID, Timeout: pageTimeout, Logger: s.log.Named("pages"),
		Admit: func(r *http.Request) time.Duration { return s.pageLimit.Take(s.peer(r), s.now()) },
	})
	if err != nil {
		return nil, err
	}
	s.connectPages(site)
	if err := s.addLoginPages(site); err != nil {
		return nil, err
	}
	return site, nil
}
