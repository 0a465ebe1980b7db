// Correct shape: main loads the settings into a map, later goroutines and handlers only read it (twelve-factor configs)
package reading

import (
	"net/http"
	"os"
	"strings"
)

type settings struct {
	values map[string]string
}

func (s *settings) load(environ []string) {
	for _, e := range environ {
		k, v, _ := strings.Cut(e, "=")
		s.values[k] = v
	}
	if s.values["PORT"] == "" {
		s.values["PORT"] = "8080"
	}
}

func (s *settings) get(k string) string { return s.values[k] }

func (s *settings) page(w http.ResponseWriter, r *http.Request) {
	_, _ = w.Write([]byte(s.get(r.FormValue("key"))))
}

func RunSettings(tick func(string)) error {
	s := &settings{values: map[string]string{}}
	s.load(os.Environ())
	go tick(s.get("PERIOD"))
	go func() {
		for range 3 {
			tick(s.get("OTHER"))
		}
	}()
	http.HandleFunc("/settings", s.page)
	return http.ListenAndServe(":"+s.get("PORT"), nil)
}
