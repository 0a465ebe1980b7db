// Correct shape: the live configuration is changed under the wrapper's lock, its parts also have exported methods that encode whatever value they are called on (syncthing versioning parameters)
package identity

import (
	"strings"
	"sync"
)

// Versioning is a part of a folder's configuration.
type Versioning struct{ Params map[string]string }

// Encode is called on values that callers have made or copied.
func (v Versioning) Encode() string {
	var b strings.Builder
	for k, p := range v.Params {
		b.WriteString(k + "=" + p + ";")
	}
	return b.String()
}

type liveConfig struct{ versioning Versioning }

type configWrapper struct {
	mut sync.Mutex
	cfg liveConfig
}

func (w *configWrapper) Param(k string) string {
	w.mut.Lock()
	defer w.mut.Unlock()
	return w.cfg.versioning.Params[k]
}

func (w *configWrapper) SetParam(k, p string) {
	w.mut.Lock()
	defer w.mut.Unlock()
	w.cfg.versioning.Params[k] = p
}

func (w *configWrapper) Unset(k string) {
	w.mut.Lock()
	defer w.mut.Unlock()
	delete(w.cfg.versioning.Params, k)
}

func (w *configWrapper) Has(k string) bool {
	w.mut.Lock()
	defer w.mut.Unlock()
	_, ok := w.cfg.versioning.Params[k]
	return ok
}

func (w *configWrapper) Migrate(changed chan string) {
	for k := range changed {
		go func() {
			if !w.Has(k) {
				w.SetParam(k, w.Param("default"))
			}
			w.Unset(k + ".old")
		}()
	}
}
