// Correct shape: a store goroutine answers requests that carry their reply channel (config stores)
package confine

type storeOp struct {
	key, val string
	set      bool
	reply    chan string
}

type kvStore struct{ ops chan storeOp }

func startStore() *kvStore {
	s := &kvStore{ops: make(chan storeOp)}
	go func() {
		data := map[string]string{}
		for op := range s.ops {
			if op.set {
				data[op.key] = op.val
			}
			op.reply <- data[op.key]
		}
	}()
	return s
}

func (s *kvStore) do(op storeOp) string {
	op.reply = make(chan string)
	s.ops <- op
	return <-op.reply
}

func (s *kvStore) Set(k, v string) { s.do(storeOp{key: k, val: v, set: true}) }

func (s *kvStore) Get(k string) string { return s.do(storeOp{key: k}) }

func Share(users []string) {
	s := startStore()
	for _, u := range users {
		go func() {
			s.Set(u, "in")
			s.Get(u)
		}()
	}
}
