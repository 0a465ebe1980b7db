// Racy shape: an object is put into what a controller's worker reads, and changed after the controller was started (kubernetes 82239)
package reconcile

type meta struct{ annotations map[string]string }

func (m *meta) copyInto(out *meta) {
	if m.annotations != nil {
		in, to := &m.annotations, &out.annotations
		*to = make(map[string]string, len(*in))
		for k, v := range *in {
			(*to)[k] = v
		}
	}
}

type volume struct{ meta }

func (v *volume) deepCopy() *volume {
	out := new(volume)
	v.meta.copyInto(&out.meta)
	return out
}

type lister struct{ volume *volume }

type controller struct{ lister *lister }

func newController() *controller { return &controller{} }

func (c *controller) run(stop <-chan struct{}) { go c.loop(stop) }

func (c *controller) loop(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		default:
			_ = c.lister.volume.deepCopy()
		}
	}
}

// Provision annotates volumes while a controller reconciles them.
func Provision(volumes []*volume, stop chan struct{}) {
	vs := append([]*volume{{meta{map[string]string{}}}}, volumes...)
	for _, v := range vs {
		c := newController()
		c.lister = &lister{volume: v}
		go c.run(stop)
		v.annotations["provisioned"] = "yes" // want `medium unguarded: write of meta.annotations`
	}
}
