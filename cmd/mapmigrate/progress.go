// This file shows progress on a terminal, for anything over a second.

package main

import (
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// A progress is a line on standard error that says what is going on. It appears
// after a second and only on a terminal; elsewhere it is silent.
type progress struct {
	mu    sync.Mutex
	w     io.Writer // nil: silent
	begun time.Time
	what  string
	bar   *progressbar.ProgressBar
	stop  chan struct{}
	wg    sync.WaitGroup
}

func newProgress(w io.Writer) *progress {
	p := &progress{begun: time.Now(), stop: make(chan struct{})}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.w = w
		p.wg.Go(p.tick)
	}
	return p
}

// step says what happens now.
func (p *progress) step(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = what
	p.finishBar()
}

// count says how much of the step is done.
func (p *progress) count(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.silent() {
		return
	}
	if p.bar == nil || p.bar.GetMax() != total {
		p.finishBar()
		p.bar = p.newBar(total)
	}
	_ = p.bar.Set(done)
}

// end takes the line away.
func (p *progress) end() {
	if p.w == nil {
		return
	}
	close(p.stop)
	p.wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.finishBar()
	p.w = nil
}

// tick keeps the line alive while a step has nothing to count.
func (p *progress) tick() {
	t := time.NewTicker(200 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case <-t.C:
			p.mu.Lock()
			if !p.silent() && p.bar == nil {
				p.bar = p.newBar(-1)
			}
			if p.bar != nil && p.bar.GetMax() == -1 {
				_ = p.bar.Add(1)
			}
			p.mu.Unlock()
		}
	}
}

func (p *progress) silent() bool { return p.w == nil || time.Since(p.begun) < time.Second }

func (p *progress) newBar(total int) *progressbar.ProgressBar {
	return progressbar.NewOptions(total,
		progressbar.OptionSetWriter(p.w),
		progressbar.OptionSetDescription(p.what),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionSpinnerType(14),
		progressbar.OptionSetSpinnerChangeInterval(0),
		progressbar.OptionSetWidth(24),
		progressbar.OptionShowCount(),
		progressbar.OptionSetPredictTime(false))
}

func (p *progress) finishBar() {
	if p.bar != nil {
		_ = p.bar.Clear()
		p.bar = nil
	}
}
