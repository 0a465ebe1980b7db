// Correct shape: WithField makes an entry with a copied field map, entries are never changed after that (structured loggers)
package named

import "net/http"

type logFields map[string]any

type logEntry struct {
	fields logFields
	emit   func(string, logFields)
}

func (e *logEntry) withFields(fs logFields) *logEntry {
	all := make(logFields, len(e.fields)+len(fs))
	for k, v := range e.fields {
		all[k] = v
	}
	for k, v := range fs {
		all[k] = v
	}
	return &logEntry{all, e.emit}
}

func (e *logEntry) withField(k string, v any) *logEntry { return e.withFields(logFields{k: v}) }

func (e *logEntry) log(msg string) { e.emit(msg, e.fields) }

type loggingHandler struct {
	base *logEntry
	next http.Handler
}

func (h *loggingHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := h.base.withField("path", r.URL.Path)
	h.next.ServeHTTP(w, r)
	e.withField("remote", r.RemoteAddr).log("served")
}

func ServeLogged(next http.Handler, emit func(string, logFields)) error {
	base := (&logEntry{emit: emit}).withField("app", "web")
	return http.ListenAndServe(":0", &loggingHandler{base, next})
}
