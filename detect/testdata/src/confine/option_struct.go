// Correct shape: the constructor completes the maps of the options struct it was given by value, before it starts the object (client libraries)
package confine

import "time"

// ReporterOptions configure a reporter.
type ReporterOptions struct {
	Labels map[string]string
	Period time.Duration
	Send   func(map[string]string)
}

type reporter struct{ opts ReporterOptions }

func (o *ReporterOptions) complete() {
	if o.Labels == nil {
		o.Labels = make(map[string]string)
	}
	if o.Labels["service"] == "" {
		o.Labels["service"] = "unknown"
	}
	if o.Period == 0 {
		o.Period = time.Minute
	}
}

// StartReporter starts a reporter.
func StartReporter(o ReporterOptions) *reporter {
	o.complete()
	r := &reporter{opts: o}
	go r.loop()
	return r
}

func (r *reporter) loop() {
	for range time.Tick(r.opts.Period) {
		r.opts.Send(r.opts.Labels)
	}
}
