// Racy shape: a getter builds its index in place on first use, requests that come first build it together (lazy site data, zone indexes)
package reading

import "net/http"

type glossary struct {
	terms  []string
	byHead map[byte][]string
}

func (g *glossary) index() map[byte][]string {
	if g.byHead == nil {
		g.byHead = make(map[byte][]string)
		for _, t := range g.terms {
			g.byHead[t[0]] = append(g.byHead[t[0]], t) // want `(medium|high) unguarded: .* of glossary.byHead`
		}
	}
	return g.byHead
}

func (g *glossary) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for _, t := range g.index()[r.FormValue("head")[0]] {
		_, _ = w.Write([]byte(t))
	}
}

func ServeGlossary(terms []string) error {
	return http.ListenAndServe(":0", &glossary{terms: terms})
}
