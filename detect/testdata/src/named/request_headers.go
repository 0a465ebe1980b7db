// Correct shape: named maps of the request itself are changed by the handler chain that owns it (reverse proxies)
package named

import (
	"net/http"
	"net/url"
)

type rewriter struct {
	drop []string
	next http.Handler
}

func (p *rewriter) clean(h http.Header) {
	for _, d := range p.drop {
		h.Del(d)
	}
	h.Set("X-Forwarded-Proto", "https")
}

func (p *rewriter) query(q url.Values) string {
	q.Del("token")
	q.Set("proxied", "1")
	return q.Encode()
}

func (p *rewriter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.clean(r.Header)
	r.URL.RawQuery = p.query(r.URL.Query())
	w.Header().Set("Via", "proxy")
	p.next.ServeHTTP(w, r)
}

func Proxy(next http.Handler) error {
	return http.ListenAndServe(":0", &rewriter{drop: []string{"Cookie"}, next: next})
}
