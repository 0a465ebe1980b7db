// Correct shape: deep copies are made of an object that only its controller loop touches (kubernetes work queues)
package dispatch

type specMeta struct {
	labels map[string]string
}

func (in *specMeta) deepCopyInto(out *specMeta) {
	*out = *in
	if in.labels != nil {
		in, out := &in.labels, &out.labels
		*out = make(map[string]string, len(*in))
		for k, v := range *in {
			(*out)[k] = v
		}
	}
}

type specController struct {
	current *specMeta
	events  chan [2]string
	out     chan *specMeta
}

func (c *specController) loop() {
	for kv := range c.events {
		c.current.labels[kv[0]] = kv[1]
		next := new(specMeta)
		c.current.deepCopyInto(next)
		c.out <- next
	}
}

func (c *specController) apply(use func(map[string]string)) {
	for s := range c.out {
		s.labels["applied"] = "yes"
		use(s.labels)
	}
}

func Control(events chan [2]string, use func(map[string]string)) {
	c := &specController{current: &specMeta{labels: map[string]string{}}, events: events, out: make(chan *specMeta)}
	go c.loop()
	go c.apply(use)
}
