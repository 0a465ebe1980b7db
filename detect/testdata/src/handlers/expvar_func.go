// Racy shape: an expvar.Func published once reads the map at every scrape while a loop writes it
package handlers

import (
	"expvar"
	"time"
)

type sampler struct {
	gauges map[string]float64
}

func (s *sampler) loop(read func() map[string]float64) {
	for range time.Tick(time.Second) {
		for k, v := range read() {
			s.gauges[k] = v // want `(medium|high) unguarded: write of sampler.gauges`
		}
	}
}

func (s *sampler) export() any {
	out := map[string]float64{}
	for k, v := range s.gauges {
		out[k] = v
	}
	return out
}

func Sample(read func() map[string]float64) {
	s := &sampler{gauges: map[string]float64{}}
	expvar.Publish("gauges", expvar.Func(s.export))
	go s.loop(read)
}
