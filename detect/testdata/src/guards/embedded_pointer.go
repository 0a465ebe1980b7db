// Correct shape: the mutex is embedded by pointer so that copies of the struct share it (gin contexts, viper-like configs)
package guards

import "sync"

type tagView struct {
	*sync.RWMutex
	prefix string
	tags   map[string]string
}

func newTagView() tagView {
	return tagView{RWMutex: new(sync.RWMutex), tags: make(map[string]string)}
}

// sub returns a view of the same tags below a prefix.
func (v tagView) sub(prefix string) tagView {
	v.prefix += prefix + "."
	return v
}

func (v tagView) set(k, val string) {
	v.Lock()
	defer v.Unlock()
	v.tags[v.prefix+k] = val
}

func (v tagView) get(k string) string {
	v.RLock()
	defer v.RUnlock()
	return v.tags[v.prefix+k]
}

func Tags(keys []string) string {
	v := newTagView()
	s := v.sub("app")
	for _, k := range keys {
		go s.set(k, "on")
		go v.set(k, "off")
	}
	return s.get("x")
}
