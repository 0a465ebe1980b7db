// Correct shape: two stores have a schedule each, under their own locks; one is reached through so many objects that the path to it is cut short (nats message schedules)
package identity

import "sync"

// schedule belongs to one store, whose lock callers hold.
type schedule struct{ due map[string]int64 }

func (s *schedule) remove(subj string)                { delete(s.due, subj) }
func (s *schedule) set(subj string, at int64)         { s.due[subj] = at }
func (s *schedule) isDue(subj string, now int64) bool { return s.due[subj] <= now }

type memLog struct {
	mu    sync.Mutex
	sched *schedule
}

func (m *memLog) put(subj string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sched.remove(subj)
}

type fileLog struct {
	mu    sync.Mutex
	sched *schedule
}

func (f *fileLog) tick(now int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sched.isDue("tick", now) {
		f.sched.set("tick", now+1)
	}
}

type (
	raftNode  struct{ wal *memLog }
	raftGroup struct{ node *raftNode }
	consumer  struct{ group *raftGroup }
	streamRef struct{ consumers []*consumer }
	stream    struct {
		ref *streamRef
		log *fileLog
	}
	account struct{ streams []*stream }
	server  struct{ accounts []*account }
)

func (n *raftNode) snapshot() { n.wal.put("snapshot") }

func (c *consumer) reset() { c.group.node.snapshot() }

func (s *server) run(stop chan struct{}) {
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				s.accounts[0].streams[0].ref.consumers[0].reset()
			}
		}
	}()
	go func() {
		for now := int64(0); ; now++ {
			select {
			case <-stop:
				return
			default:
				s.accounts[0].streams[0].log.tick(now)
			}
		}
	}()
}

func serve(stop chan struct{}) {
	s := &server{accounts: []*account{{streams: []*stream{{
		ref: &streamRef{consumers: []*consumer{{group: &raftGroup{node: &raftNode{wal: &memLog{sched: &schedule{due: map[string]int64{}}}}}}}},
		log: &fileLog{sched: &schedule{due: map[string]int64{}}},
	}}}}}
	s.run(stop)
	<-stop
}

// Serve runs a server until it is stopped.
func Serve(stop chan struct{}) { serve(stop) }
