// Racy shape: generated deepcopy takes the address of the map field and ranges over it while another goroutine sets annotations (kubernetes)
package dispatch

type objectMeta struct {
	name        string
	annotations map[string]string
}

func (in *objectMeta) deepCopyInto(out *objectMeta) {
	*out = *in
	if in.annotations != nil {
		in, out := &in.annotations, &out.annotations
		*out = make(map[string]string, len(*in))
		for key, val := range *in {
			(*out)[key] = val
		}
	}
}

func (in *objectMeta) deepCopy() *objectMeta {
	out := new(objectMeta)
	in.deepCopyInto(out)
	return out
}

type podController struct{ pod *objectMeta }

func (c *podController) annotate(in <-chan [2]string) {
	for kv := range in {
		c.pod.annotations[kv[0]] = kv[1] // want `(medium|high) unguarded: write of objectMeta.annotations`
	}
}

func (c *podController) Run(in <-chan [2]string, update func(*objectMeta)) {
	go c.annotate(in)
	for {
		update(c.pod.deepCopy())
	}
}
