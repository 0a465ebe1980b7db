// Correct shape: a package-level table in its declaration, handlers and goroutines only read it (status texts, mime types)
package reading

import "net/http"

var problemTitles = map[int]string{
	http.StatusNotFound:  "no such thing",
	http.StatusConflict:  "already there",
	http.StatusForbidden: "not yours",
}

type problemWriter struct{ fallback string }

func (p *problemWriter) title(code int) string {
	if t, ok := problemTitles[code]; ok {
		return t
	}
	return p.fallback
}

func (p *problemWriter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	http.Error(w, p.title(http.StatusNotFound), http.StatusNotFound)
}

func TitlesOf(codes []int) []string {
	p := &problemWriter{"error"}
	out := make([]string, len(codes))
	done := make(chan int)
	for i, c := range codes {
		go func() {
			out[i] = p.title(c)
			done <- i
		}()
	}
	for range codes {
		<-done
	}
	return out
}
