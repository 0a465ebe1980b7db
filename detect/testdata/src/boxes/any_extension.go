// Racy shape: a labels map kept as any in an object's extension field is written without the object's lock (plugin state)
package boxes

import "sync"

type object struct {
	mu  sync.Mutex
	ext any // map[string]string
}

func (o *object) Label(k string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if m, ok := o.ext.(map[string]string); ok {
		return m[k]
	}
	return ""
}

func (o *object) SetLabel(k, v string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ext == nil {
		o.ext = map[string]string{}
	}
	o.ext.(map[string]string)[k] = v
}

func (o *object) Strip(k string) {
	if m, ok := o.ext.(map[string]string); ok {
		delete(m, k) // want `medium partial: delete of object.ext without object.mu`
	}
}
