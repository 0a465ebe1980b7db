// Correct shape: sync.OnceValue builds the table for all readers, OnceFunc fills another (lazy registries)
package ordering

import (
	"net/http"
	"sync"
)

var mimeTypes = sync.OnceValue(func() map[string]string {
	m := map[string]string{}
	m[".go"] = "text/x-go"
	m[".md"] = "text/markdown"
	return m
})

var (
	iconPaths map[string]string
	loadIcons = sync.OnceFunc(func() {
		iconPaths = make(map[string]string)
		for ext := range mimeTypes() {
			iconPaths[ext] = "/icons/" + ext + ".png"
		}
	})
)

type fileServer struct{ root string }

func (f *fileServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	loadIcons()
	w.Header().Set("Content-Type", mimeTypes()[r.URL.Path])
	w.Header().Set("Link", iconPaths[r.URL.Path])
}
