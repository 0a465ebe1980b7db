// Correct shape: main stops the server and waits for its workers, then dumps what they collected (graceful shutdown)
package ordering

import (
	"fmt"
	"os"
	"sync"
)

type ingest struct {
	in   chan string
	wg   sync.WaitGroup
	mu   sync.Mutex
	seen map[string]int
}

func (i *ingest) start(n int) {
	for range n {
		i.wg.Add(1)
		go func() {
			defer i.wg.Done()
			for s := range i.in {
				i.mu.Lock()
				i.seen[s]++
				i.mu.Unlock()
			}
		}()
	}
}

func (i *ingest) stop() {
	close(i.in)
	i.wg.Wait()
}

func RunIngest(signal <-chan os.Signal) {
	i := &ingest{in: make(chan string), seen: map[string]int{}}
	i.start(4)
	<-signal
	i.stop()
	for s, n := range i.seen {
		fmt.Println(s, n)
		delete(i.seen, s)
	}
}
