// Correct shape: drivers register in init functions, afterwards the registry is only read (database/sql without its lock)
package confine

import (
	"errors"
	"net/http"
)

type codec interface{ Encode(any) ([]byte, error) }

var codecs = make(map[string]codec)

func registerCodec(name string, c codec) {
	if codecs[name] != nil {
		panic("codec registered twice: " + name)
	}
	codecs[name] = c
}

type plain struct{}

func (plain) Encode(v any) ([]byte, error) {
	if s, ok := v.(string); ok {
		return []byte(s), nil
	}
	return nil, errors.New("not text")
}

func init() { registerCodec("plain", plain{}) }

type encodeHandler struct{}

func (encodeHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, ok := codecs[r.FormValue("codec")]
	if !ok {
		http.Error(w, "unknown codec", http.StatusBadRequest)
		return
	}
	b, _ := c.Encode(r.URL.Path)
	_, _ = w.Write(b)
}
