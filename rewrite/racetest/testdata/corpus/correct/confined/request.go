package confined

import "net/http"

// Echo makes a map for each request.
func Echo(w http.ResponseWriter, r *http.Request) {
	params := map[string]string{}
	for k, v := range r.URL.Query() {
		params[k] = v[0]
	}
	w.Write([]byte(params["q"]))
}

// Handle registers it.
func Handle(mux *http.ServeMux) { mux.HandleFunc("/echo", Echo) }
