// Correct shape: only tests use the recorder from several goroutines, the program is sequential (fakes and recorders)
package testonly

type recorder struct {
	calls map[string]int
}

func newRecorder() *recorder { return &recorder{calls: map[string]int{}} }

func (r *recorder) record(name string) {
	r.calls[name]++ // want-tests `(medium|high) unguarded: update of recorder.calls`
}

func (r *recorder) count(name string) int { return r.calls[name] }

// Replay counts the events of a log.
func Replay(log []string) int {
	r := newRecorder()
	n := 0
	for _, l := range log {
		r.record(l)
		n = max(n, r.count(l))
	}
	return n
}
