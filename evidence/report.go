// This file defines a report and how it is compared with lines of a program.

package evidence

import (
	"slices"
	"strings"
)

// Kind says what kind of trace a report was read from.
type Kind string

const (
	Race  Kind = "race"  // WARNING: DATA RACE, from a binary built with -race
	Crash Kind = "crash" // fatal error: concurrent map …, from any binary
)

// A Report is one meeting of goroutines on one piece of memory.
type Report struct {
	Kind    Kind
	Message string // the crash's text ("concurrent map writes"); "" for a race
	// Test is the test that go test -json attributes the report to, "" elsewhere. Its
	// attribution is positional, so take it as a hint.
	Test string
	Line int // of the log, 1-based, where the report begins
	// Accesses holds, for a race, the access that was caught and then the previous
	// one. For a crash it holds the goroutine that noticed, then every other one of
	// the trace: the runtime does not say which of them it collided with.
	Accesses []Access
	// Cut says that the log leaves the report before its end: a crash killed the process,
	// or another report goes on in its place. Stacks may be incomplete.
	Cut bool
}

// An Access is one goroutine's part in a report.
type Access struct {
	Op        string  // "read" or "write" ("atomic read", "atomic write"); for a crash what is known of the noticing goroutine, else ""
	Goroutine int     // 0 for the main goroutine of a race report
	State     string  // "running", "chan receive", "finished", … ; "" when the log does not say
	Frames    []Frame // innermost first; empty when the detector failed to restore the stack
	CreatedBy []Frame // where the goroutine was started, innermost first
}

// A Frame is one line of a stack.
type Frame struct {
	Func string // "example.com/p.(*Hub[...]).Join.func1"
	File string // as in the log
	Line int
}

// A Place is a line of a program. File may be relative to the module (best: it
// matches any checkout of it) or absolute.
type Place struct {
	File string
	Line int
}

// At reports whether f is at p. Paths are compared from their ends, by whole
// elements: all of a relative path must agree; of two absolute ones that differ,
// the file and its folder must.
func (f Frame) At(p Place) bool {
	return f.Line == p.Line && SamePath(f.File, p.File)
}

// SamePath reports whether a and b can name one file of two checkouts.
func SamePath(a, b string) bool {
	a, b = slash(a), slash(b)
	if a == b {
		return true
	}
	as, bs := strings.Split(strings.TrimPrefix(a, "./"), "/"), strings.Split(strings.TrimPrefix(b, "./"), "/")
	n := 0
	for n < len(as) && n < len(bs) && as[len(as)-1-n] == bs[len(bs)-1-n] {
		n++
	}
	switch {
	case isAbs(a) && isAbs(b):
		return n >= 2
	case isAbs(a):
		return n == len(bs)
	case isAbs(b):
		return n == len(as)
	}
	return n == min(len(as), len(bs))
}

func slash(p string) string { return strings.ReplaceAll(p, `\`, "/") }

func isAbs(p string) bool {
	return strings.HasPrefix(p, "/") || len(p) > 2 && p[1] == ':' && p[2] == '/'
}

// User returns the innermost frame that is not the runtime's: the line of the
// program that did it. ok is false when there is none.
func (a *Access) User() (f Frame, ok bool) {
	for _, f := range a.Frames {
		if !isRuntime(f.Func) {
			return f, true
		}
	}
	return Frame{}, false
}

// OnMap reports whether the access was made by the runtime's map code, so that
// the memory is certainly a map's.
func (a *Access) OnMap() bool {
	if len(a.Frames) == 0 {
		return false
	}
	fn := a.Frames[0].Func
	return strings.HasPrefix(fn, "runtime.map") || strings.HasPrefix(fn, "internal/runtime/maps.") || strings.HasPrefix(fn, "reflect.map")
}

func isRuntime(fn string) bool {
	return strings.HasPrefix(fn, "runtime.") || strings.HasPrefix(fn, "internal/runtime/") || strings.HasPrefix(fn, "runtime/internal/")
}

// Vague reports whether r cannot tell where it happened: it was cut off, or no access has a
// line of the program.
func (r *Report) Vague() bool {
	return r.Cut || !slices.ContainsFunc(r.Accesses, func(a Access) bool { _, ok := a.User(); return ok })
}

// On reports whether r is about a map that the program uses at the given places:
// for a race, both sides stand at one of them, or one does and the memory is a
// map's; for a crash, the goroutine that noticed does. A library that was handed
// the map there (maps.Clone, fmt, an encoder) counts as standing there.
func (r *Report) On(places []Place) bool {
	if len(r.Accesses) == 0 {
		return false
	}
	if r.Kind == Crash {
		return r.Accesses[0].at(places)
	}
	hits, onMap := 0, false
	for i := range r.Accesses {
		a := &r.Accesses[i]
		if len(a.Frames) == 0 || a.at(places) { // a lost stack: the other side decides
			hits++
		}
		onMap = onMap || a.OnMap()
	}
	return hits == len(r.Accesses) || hits > 0 && onMap
}

func (a *Access) at(places []Place) bool {
	for _, f := range a.Frames {
		if isRuntime(f.Func) {
			continue
		}
		for _, p := range places {
			if f.At(p) {
				return true
			}
		}
		if !handed(f.Func) {
			return false
		}
	}
	return false
}

// handed reports whether a function is of a library that works on maps it is given.
func handed(fn string) bool {
	for _, prefix := range []string{"maps.", "slices.", "iter.", "sort.", "reflect.", "fmt.", "log.", "log/slog.", "encoding/", "text/template.", "html/template.", "internal/fmtsort.", "golang.org/x/exp/maps."} {
		if strings.HasPrefix(fn, prefix) {
			return true
		}
	}
	return false
}
