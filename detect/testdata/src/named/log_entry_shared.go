// Racy shape: AddField changes the field map of an entry in place, all requests log through one entry (structured loggers)
package named

import "net/http"

type auditFields map[string]any

func (f auditFields) set(k string, v any) { f[k] = v } // want `(medium|high) unguarded: write of`

type auditEntry struct {
	fields auditFields
	emit   func(auditFields)
}

func (e *auditEntry) addField(k string, v any) *auditEntry {
	e.fields.set(k, v)
	return e
}

type auditHandler struct {
	entry *auditEntry
	next  http.Handler
}

func (h *auditHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.entry.addField("path", r.URL.Path).addField("remote", r.RemoteAddr)
	h.next.ServeHTTP(w, r)
	h.entry.emit(h.entry.fields)
}

func ServeAudited(next http.Handler, emit func(auditFields)) error {
	return http.ListenAndServe(":0", &auditHandler{&auditEntry{auditFields{}, emit}, next})
}
