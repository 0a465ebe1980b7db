// Racy shape: an http.Header kept in a shared client is set by token refresh while requests clone it (API clients)
package named

import (
	"net/http"
	"time"
)

type apiClient struct {
	headers http.Header
	refresh func() string
}

func (c *apiClient) keepToken() {
	for range time.Tick(time.Minute) {
		c.headers.Set("Authorization", "Bearer "+c.refresh()) // want `(medium|high) unguarded: `
	}
}

func (c *apiClient) do(url string) (*http.Response, error) {
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	req.Header = c.headers.Clone()
	return http.DefaultClient.Do(req)
}

func Crawl(urls []string, refresh func() string) {
	c := &apiClient{headers: http.Header{}, refresh: refresh}
	go c.keepToken()
	for _, u := range urls {
		_, _ = c.do(u)
	}
}
