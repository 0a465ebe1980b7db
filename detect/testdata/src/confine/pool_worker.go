// Correct shape: each worker of a pool keeps a cache of its own for as long as it lives (compressors, parsers)
package confine

type frame struct {
	stream string
	data   []byte
}

type worker struct {
	in    <-chan frame
	cache map[string]int
}

func (w *worker) run() {
	for f := range w.in {
		w.cache[f.stream] += len(f.data)
		if len(w.cache) > 1024 {
			w.evict()
		}
	}
}

func (w *worker) evict() {
	for k := range w.cache {
		delete(w.cache, k)
		return
	}
}

func startPool(n int, in <-chan frame) {
	for range n {
		w := &worker{in: in, cache: make(map[string]int)}
		go w.run()
	}
}

func Ingest(in <-chan frame) { startPool(4, in) }
