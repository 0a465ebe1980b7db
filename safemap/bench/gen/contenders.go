package main

// This file lists the contenders: for each, the statements that do one operation in the way its
// documentation asks for.

// A contender is a map type and its operations, as Go statements over these variables:
//
//	m       the map
//	k       the key
//	nv      the value to store, an int
//	v, ok   what load and los must declare: the value and whether the key was there
//	emit    a func(int) that each calls with every value
//
// K stands for the key type in typ and make.
type contender struct {
	id    string // in tables and flags
	name  string // of the generated functions
	doc   string // a line for the report
	role  string // "ours", "peer" (a library's type), "lock" (plain map and lock), "nop", or "mirror"
	typ   string
	make  string // a map without entries
	load  string
	store string
	del   string
	add   string // one more under k: what m[k]++ is
	los   string // load, or store nv
	each  string
	count string // an expression: the number of entries
	keys  string // the key kinds it takes, space-separated: string, int, pair
	only  string // the workloads it takes part in; all if empty
}

// ours returns one of our own one-level types; they have the same methods.
func ours(id, name, doc, role, typ, make string) contender {
	return contender{
		id: id, name: name, doc: doc, role: role, typ: typ, make: make,
		load:  `v, ok := m.Load(k)`,
		store: `m.Store(k, nv)`,
		del:   `m.Delete(k)`,
		add:   `m.Update(k, func(old int) int { return old + 1 })`,
		los:   `v, ok := m.LoadOrStore(k, nv)`,
		each:  `for _, v := range m.All() { emit(v) }`,
		count: `m.Len()`,
		keys:  "string int",
	}
}

// mirrored returns a Mirror of a Sharded onto a Locked.
func mirrored(id, name, share string) contender {
	c := ours(id, name, "safemap.Mirror of a Sharded onto a Locked, with that share of the keys", "mirror",
		`*safemap.Mirror[K, int]`, `newMirror[K](`+share+`)`)
	c.only = "load mix90 overwrite counter los churn"
	return c
}

// locks returns a plain map with a lock, used in line, without defer: the fastest hand-written form.
func locks(id, name, doc, mutex, rlock, runlock string) contender {
	return contender{
		id: id, name: name, doc: doc, role: "lock",
		typ: `*` + mutex + `[K]`, make: `&` + mutex + `[K]{m: make(map[K]int)}`,
		load:  `m.mu.` + rlock + `(); v, ok := m.m[k]; m.mu.` + runlock + `()`,
		store: `m.mu.Lock(); m.m[k] = nv; m.mu.Unlock()`,
		del:   `m.mu.Lock(); delete(m.m, k); m.mu.Unlock()`,
		add:   `m.mu.Lock(); m.m[k]++; m.mu.Unlock()`,
		los:   los(`m.mu.`+rlock+`()`, `m.mu.`+runlock+`()`),
		each:  `m.mu.` + rlock + `(); for _, v := range m.m { emit(v) }; m.mu.` + runlock + `()`,
		count: `len(m.m)`,
		keys:  "string int",
	}
}

// los is LoadOrStore on a plain map: a look under the read lock first, if there is one.
func los(rlock, runlock string) string {
	locked := `m.mu.Lock(); if v, ok = m.m[k]; !ok { m.m[k], v = nv, nv }; m.mu.Unlock()`
	if rlock == `m.mu.Lock()` {
		return `var v int; var ok bool; ` + locked
	}
	return rlock + `; v, ok := m.m[k]; ` + runlock + `; if !ok { ` + locked + ` }`
}

const (
	few     = "load mix90 overwrite counter los"
	syncAdd = `for {
		e, ok := %.Load(k)
		if !ok {
			if _, late := %.LoadOrStore(k, 1); !late { break }
		} else if %.CompareAndSwap(k, e, e.(int)+1) { break }
	}`
)

var contenders = []contender{
	{
		id: "nop", name: "nop", doc: "the loop alone; subtracted", role: "nop",
		typ: `*nothing`, make: `&nothing{}`,
		load: `v, ok := size(k), true`, store: `_ = k; m.n += nv & 1`, del: `m.n -= size(k) & 1`, add: `m.n += size(k)`,
		los: `v, ok := size(k), true; m.n += nv & 1`, each: ``, count: `m.n`, keys: "string int pair",
	},
	locks("mutex", "mutex", "map and sync.Mutex, in line", "mutexMap", "Lock", "Unlock"),
	locks("rwmutex", "rwmutex", "map and sync.RWMutex, in line", "rwMutexMap", "RLock", "RUnlock"),
	{
		id: "rwmutex/defer", name: "handWritten", doc: "map and sync.RWMutex behind methods with defer: what people write", role: "lock",
		typ: `*handWritten[K]`, make: `&handWritten[K]{m: make(map[K]int)}`,
		load: `v, ok := m.get(k)`, store: `m.set(k, nv)`, del: `m.remove(k)`, add: `m.increment(k)`,
		los: `v, ok := m.getOrSet(k, nv)`, each: `m.each(emit)`, count: `len(m.m)`, keys: "string int", only: few + " mix99 mix75 mix50 half-hit",
	},
	{
		id: "sync.Map", name: "syncMap", doc: "sync.Map, int values boxed; counter by CompareAndSwap", role: "peer",
		typ: `*sync.Map`, make: `new(sync.Map)`,
		load:  `e, ok := m.Load(k); var v int; if ok { v = e.(int) }`,
		store: `m.Store(k, nv)`, del: `m.Delete(k)`,
		add:   replace(syncAdd, "%", "m"),
		los:   `e, ok := m.LoadOrStore(k, nv); v := e.(int)`,
		each:  `m.Range(func(_, e any) bool { emit(e.(int)); return true })`,
		count: `countOf(m)`, keys: "string int",
	},
	{
		id: "sync.Map/atomic", name: "syncMapAtomic", doc: "sync.Map of *atomic.Int64: stores into existing keys in place (loses one that meets a delete)", role: "peer",
		typ: `*sync.Map`, make: `new(sync.Map)`,
		load: `e, ok := m.Load(k); var v int; if ok { v = int(e.(*atomic.Int64).Load()) }`,
		store: `if e, ok := m.Load(k); ok { e.(*atomic.Int64).Store(int64(nv)) } else {
			p := new(atomic.Int64); p.Store(int64(nv)); m.Store(k, p) }`,
		del: `m.Delete(k)`,
		add: `e, ok := m.Load(k); if !ok { e, _ = m.LoadOrStore(k, new(atomic.Int64)) }; e.(*atomic.Int64).Add(1)`,
		los: `e, ok := m.Load(k); if !ok {
			p := new(atomic.Int64); p.Store(int64(nv)); e, ok = m.LoadOrStore(k, p) }; v := int(e.(*atomic.Int64).Load())`,
		each:  `m.Range(func(_, e any) bool { emit(int(e.(*atomic.Int64).Load())); return true })`,
		count: `countOf(m)`, keys: "string int",
	},
	{
		id: "xsync", name: "xsyncMap", doc: "github.com/puzpuzpuz/xsync/v4 Map", role: "peer",
		typ: `*xsync.Map[K, int]`, make: `xsync.NewMap[K, int]()`,
		load: `v, ok := m.Load(k)`, store: `m.Store(k, nv)`, del: `m.Delete(k)`,
		add:   `m.Compute(k, func(old int, _ bool) (int, xsync.ComputeOp) { return old + 1, xsync.UpdateOp })`,
		los:   `v, ok := m.LoadOrStore(k, nv)`,
		each:  `m.Range(func(_ K, v int) bool { emit(v); return true })`,
		count: `m.Size()`, keys: "string int",
	},
	{
		id: "orcaman", name: "orcaman", doc: "github.com/orcaman/concurrent-map/v2; int keys by a multiplying hash of ours", role: "peer",
		typ: `cmap.ConcurrentMap[K, int]`, make: `newOrcaman[K]()`,
		load: `v, ok := m.Get(k)`, store: `m.Set(k, nv)`, del: `m.Remove(k)`,
		add:   `m.Upsert(k, 1, func(_ bool, old, one int) int { return old + one })`,
		los:   `v, ok := m.Get(k); if !ok { if m.SetIfAbsent(k, nv) { v = nv } else { v, ok = m.Get(k) } }`,
		each:  `m.IterCb(func(_ K, v int) { emit(v) })`,
		count: `m.Count()`, keys: "string int",
	},
	{
		id: "haxmap", name: "haxMap", doc: "github.com/alphadose/haxmap; counter by CompareAndSwap; not in churn, where it loses keys", role: "peer",
		typ: `*haxmap.Map[K, int]`, make: `haxmap.New[K, int]()`,
		load: `v, ok := m.Get(k)`, store: `m.Set(k, nv)`, del: `m.Del(k)`,
		add:   `for { old, ok := m.GetOrSet(k, 1); if !ok || m.CompareAndSwap(k, old, old+1) { break } }`,
		los:   `v, ok := m.GetOrSet(k, nv)`,
		each:  `m.ForEach(func(_ K, v int) bool { emit(v); return true })`,
		count: `int(m.Len())`, keys: "string int",
		// With goroutines that store and delete at the same time, the check of churn finds one key of
		// some ten thousand missing right after it was stored.
		only: "load half-hit mix99 mix90 mix75 mix50 overwrite counter los range build memory",
	},
	{
		id: "8×sync.Map", name: "article", doc: "eight sync.Map by FNV-32a, as a widely read article has it", role: "peer",
		typ: `*article`, make: `new(article)`,
		load:  `e, ok := m.shard(k).Load(k); var v int; if ok { v = e.(int) }`,
		store: `m.shard(k).Store(k, nv)`, del: `m.shard(k).Delete(k)`,
		add:   `s := m.shard(k); ` + replace(syncAdd, "%", "s"),
		los:   `e, ok := m.shard(k).LoadOrStore(k, nv); v := e.(int)`,
		each:  `for i := range m { m[i].Range(func(_, e any) bool { emit(e.(int)); return true }) }`,
		count: `m.count()`, keys: "string",
	},
	ours("FastSharded", "fastSharded", "safemap.FastSharded, the core with lock-free reads", "ours", `*safemap.FastSharded[K, int]`, `safemap.NewFastSharded[K, int]()`),
	ours("Sharded", "sharded", "safemap.Sharded, the default core", "ours", `*safemap.Sharded[K, int]`, `safemap.NewSharded[K, int]()`),
	ours("Locked", "locked", "safemap.Locked", "ours", `*safemap.Locked[K, int]`, `safemap.NewLocked[K, int]()`),
	ours("SyncMap", "ourSyncMap", "safemap.SyncMap", "ours", `*safemap.SyncMap[K, int]`, `safemap.NewSyncMap[K, int]()`),
	mirrored("Mirror 0 %", "mirrorNone", "0"),
	mirrored("Mirror 1 %", "mirrorFew", "1"),
	mirrored("Mirror 100 %", "mirrorAll", "100"),
	{
		id: "map of maps", name: "mapOfMaps", doc: "map[string]map[string]int and sync.RWMutex, in line", role: "lock",
		typ: `*mapOfMaps`, make: `&mapOfMaps{m: make(map[string]map[string]int)}`,
		load: `m.mu.RLock(); v, ok := m.m[k.a][k.b]; m.mu.RUnlock()`,
		store: `m.mu.Lock(); row := m.m[k.a]; if row == nil { row = make(map[string]int); m.m[k.a] = row }; row[k.b] = nv
			m.mu.Unlock()`,
		del: `m.mu.Lock(); delete(m.m[k.a], k.b); m.mu.Unlock()`,
		add: `m.mu.Lock(); row := m.m[k.a]; if row == nil { row = make(map[string]int); m.m[k.a] = row }; row[k.b]++
			m.mu.Unlock()`,
		los: `m.mu.RLock(); v, ok := m.m[k.a][k.b]; m.mu.RUnlock()
			if !ok {
				m.mu.Lock(); row := m.m[k.a]; if row == nil { row = make(map[string]int); m.m[k.a] = row }
				if v, ok = row[k.b]; !ok { row[k.b], v = nv, nv }; m.mu.Unlock()
			}`,
		each:  `m.mu.RLock(); for _, row := range m.m { for _, v := range row { emit(v) } }; m.mu.RUnlock()`,
		count: `m.count()`, keys: "pair",
	},
	{
		id: "Nested", name: "nested", doc: "safemap.Nested", role: "ours",
		typ: `*safemap.Nested[string, string, int]`, make: `safemap.NewNested[string, string, int]()`,
		load: `v, ok := m.Load(k.a, k.b)`, store: `m.Store(k.a, k.b, nv)`, del: `m.Delete(k.a, k.b)`,
		add:   `m.Update(k.a, k.b, func(old int) int { return old + 1 })`,
		los:   `v, ok := m.LoadOrStore(k.a, k.b, nv)`,
		each:  `for _, row := range m.All() { for _, v := range row.All() { emit(v) } }`,
		count: `countNested(m)`, keys: "pair",
	},
}
