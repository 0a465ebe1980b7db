// Racy shape: a goroutine that waits for a signal dumps the map that the main loop changes (SIGUSR1 state dumps)
package contexts2

import (
	"fmt"
	"os"
	"os/signal"
)

type transferTable struct {
	active map[string]int64
}

func (t *transferTable) dumpOnSignal(sig os.Signal) {
	c := make(chan os.Signal, 1)
	signal.Notify(c, sig)
	go func() {
		for range c {
			for name, n := range t.active {
				fmt.Println(name, n)
			}
		}
	}()
}

func (t *transferTable) loop(progress <-chan string) {
	for name := range progress {
		t.active[name]++ // want `(medium|high) unguarded: .* of transferTable.active`
	}
}

func Transfer(progress <-chan string) {
	t := &transferTable{active: map[string]int64{}}
	t.dumpOnSignal(os.Interrupt)
	t.loop(progress)
}
