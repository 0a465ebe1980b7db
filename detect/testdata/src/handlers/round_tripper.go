// Racy shape: a RoundTripper given to a shared client remembers hosts in a map (retrying transports)
package handlers

import (
	"net/http"
	"time"
)

type backoffTransport struct {
	base  http.RoundTripper
	until map[string]time.Time
}

func (t *backoffTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if d := time.Until(t.until[r.URL.Host]); d > 0 {
		time.Sleep(d)
	}
	resp, err := t.base.RoundTrip(r)
	if err != nil || resp.StatusCode >= 500 {
		t.until[r.URL.Host] = time.Now().Add(time.Second) // want `(medium|high) unguarded: write of backoffTransport.until`
	}
	return resp, err
}

func FetchAll(urls []string) {
	c := &http.Client{Transport: &backoffTransport{base: http.DefaultTransport, until: map[string]time.Time{}}}
	for _, u := range urls {
		go func() { _, _ = c.Get(u) }()
	}
}
