// This file finds which lock guards a map, and which locks two accesses have in common.

package detect

import (
	"slices"
	"sort"
	"strings"
)

// evidence is what an occurrence says about one lock.
type evidence uint8

const (
	notHeld evidence = iota
	maybeHeld
	heldRead
	held
)

func (l *linker) lockKey(path string) string {
	if k, ok := l.lockKeys[path]; ok {
		return k
	}
	k, _ := mapKey(path, "")
	if lastSelector(path) == "[]" {
		k += "[]"
	}
	if l.lockKeys == nil {
		l.lockKeys = map[string]string{}
	}
	l.lockKeys[path] = k
	return k
}

// unnamed reports whether a lock has no key: it could be any lock (rule L6).
func unnamed(key string) bool { return key == "" || strings.HasSuffix(key, "sync.Cond.L") }

// anyOne reports whether a lock could be any: it has no key, or is what a variable of
// interface type holds.
//
//	type part struct{ locker sync.Locker } // &owner.mu
func (l *linker) anyOne(key string) bool { return unnamed(key) || l.anyLock[key] }

// evidenceFor reports how an occurrence holds the lock with that key.
func (l *linker) evidenceFor(o *occurrence, refs []LockRef, may []string, key string) evidence {
	best := notHeld
	raise := func(e evidence) {
		if e > best {
			best = e
		}
	}
	for _, r := range refs {
		k := l.lockKey(r.Path)
		switch {
		case k != key && l.anyOne(k):
			raise(maybeHeld)
		case k != key:
		case useless(r.Path, o.path):
		case r.Read:
			raise(heldRead)
		default:
			raise(held)
		}
	}
	for _, m := range may {
		if k := l.lockKey(m); k == key && !useless(m, o.path) || l.anyOne(k) {
			raise(maybeHeld)
		}
	}
	return best
}

// useless reports whether a lock guards nothing of the map: it is another object's (rule L5),
// a copy (rule L8), or one of several that are chosen by key (rule L9).
func useless(lock, m string) bool {
	return otherInstance(lock, m) || strings.HasSuffix(lock, copiedLock) || ofOneKey(lock, m)
}

// ofOneKey reports whether a lock is an element of a collection beside the map: two
// goroutines with different keys hold different locks, and use one map. A row has a key
// itself, and may have the lock of that.
//
//	l := s.locks[key]; l.Lock(); s.data[key] = v
//	l := s.locks[key]; l.Lock(); s.rows[key][k] = v   // one lock for each row
func ofOneKey(lock, m string) bool {
	if lastSelector(lock) != "[]" || strings.Contains(m, "|[]") || strings.Contains(m, "|<-") {
		return false
	}
	lock = trimElems(lock)
	h := parent(lock)
	if h == "" { // two variables of packages
		return strings.HasPrefix(lock, "g:") && strings.HasPrefix(m, "g:") && parent(m) == ""
	}
	return h == parent(m) && !strings.Contains(h, "|[]") && !strings.Contains(h, "|<-")
}

// guardApart reports whether a package's map is guarded by the lock of some object: nothing
// says that it is the same object each time.
//
//	func (s *Session) add() { s.mu.Lock(); sessions[s.id] = s; s.mu.Unlock() }
func (j *judgement) guardApart() bool {
	return j.decl.Kind == PackageVar && j.guard != "" && slices.ContainsFunc(j.uses, func(u *use) bool {
		return slices.ContainsFunc(u.live, func(o *occurrence) bool {
			return slices.ContainsFunc(o.held, func(r LockRef) bool {
				return j.lockKey(r.Path) == j.guard && !strings.HasPrefix(r.Path, "g:")
			})
		})
	})
}

// otherInstance reports whether a lock evidently belongs to another object of the type
// that holds the map: both objects are known, and they differ.
func otherInstance(lock, m string) bool {
	lh, mh := parent(lock), m
	for lastSelector(mh) == "[]" {
		mh = parent(mh)
	}
	mh = parent(mh)
	if lh == "" || mh == "" || lh == mh || hasPrefix(mh, lh) {
		return false
	}
	lt, mt := holderOf(lastSelector(lock)), holderOf(lastSelector(strings.TrimRight(trimElems(m), "|")))
	if lt != mt {
		return false
	}
	return known(lh) && known(mh) && frameOf(lh) == frameOf(mh)
}

// frameOf returns the function in whose frame a path is rooted, "" for the outermost: paths
// of two frames cannot be compared.
func frameOf(p string) string {
	r := root(p)
	if i := strings.LastIndexByte(r, ':'); r[0] == '@' && i > 0 {
		return r[1:i]
	}
	return ""
}

func trimElems(p string) string {
	for lastSelector(p) == "[]" {
		p = parent(p)
	}
	return p
}

func holderOf(sel string) string {
	if i := strings.LastIndexByte(sel, '.'); i >= 0 {
		return sel[:i]
	}
	return sel
}

// known reports whether a path denotes one definite object.
func known(p string) bool {
	r := root(p)
	if r[0] == '@' {
		if i := strings.LastIndexByte(r, ':'); i >= 0 {
			r = r[i+1:]
		}
	}
	return (r[0] == 'p' || r[0] == 'g' || r[0] == 'a') && !strings.Contains(p, "|[]") && !strings.Contains(p, "|<-")
}

// findGuard elects the lock that most not-owned accesses hold (rule G1).
func (j *judgement) findGuard() {
	var list []string
	for _, u := range j.uses {
		for _, o := range u.live {
			for _, r := range o.held {
				k := j.lockKey(r.Path)
				if !unnamed(k) && !useless(r.Path, o.path) && (j.decl.Kind == Local || !strings.HasPrefix(k, "local:")) && !slices.Contains(list, k) {
					list = append(list, k)
				}
			}
		}
	}
	sort.Strings(list)
	best := -1
	for _, k := range list {
		t := j.tally(k)
		weight := 2*t.all + t.some
		if weight == 0 || !j.near(k) && 2*t.all < t.total || t.all == 0 && t.some < t.total && !j.encloses(k) {
			continue // a lock of somebody far up the stack happens to be held
		}
		score := weight * 4
		if holderOf(k) == j.decl.Holder {
			score += 3
		}
		if j.hinted(k) {
			score += 2
		}
		if score > best {
			best = score
			j.guard, j.held, j.partly, j.total = k, t.all, t.some, t.total
		}
	}
	if j.guard == "" {
		j.total = j.tally("").total
	}
}

// A tally counts the uses of a map by how they hold a lock: on all ways of reaching them,
// or on some.
type tally struct{ all, some, total int }

func (j *judgement) tally(key string) tally {
	var t tally
	for _, u := range j.uses {
		if len(u.live) == 0 || u.acc.Op == Escape {
			continue
		}
		t.total++
		with, without := 0, 0
		for _, o := range u.live {
			if o.ctx == nil && with+without > 0 {
				continue // the walk gave up; other ways say more
			}
			if j.evidenceFor(o, o.held, nil, key) >= heldRead || o.aliased && j.evidenceFor(o, o.loadHeld, nil, key) >= heldRead {
				with++
			} else {
				without++
			}
		}
		switch {
		case with > 0 && without == 0:
			t.all++
		case with > 0:
			t.some++
		}
	}
	return t
}

// near reports whether a lock may well be meant for the map: it is declared in the same
// package, or belongs to an object around the holder.
func (j *judgement) near(key string) bool {
	return j.decl.Kind == Local || packageOf(key) == packageOf(j.decl.Key) || j.encloses(key)
}

// encloses reports whether a lock belongs to an object around the holder, or to the holder.
func (j *judgement) encloses(key string) bool {
	for _, u := range j.uses {
		for _, o := range u.live {
			for _, r := range o.held {
				if h := parent(r.Path); h != "" && j.lockKey(r.Path) == key && hasPrefix(o.path, h) {
					return true
				}
			}
		}
	}
	return false
}

// packageOf returns the import path at the start of a key.
func packageOf(key string) string {
	i := strings.LastIndexByte(key, '/') + 1
	if d := strings.IndexByte(key[i:], '.'); d >= 0 {
		return key[:i+d]
	}
	return key
}

// number gives the locks that occurrences hold bits, so that conflicts are quick to rule out,
// and notes how they hold the guard.
func (j *judgement) number(live []*occurrence) {
	bits := map[string]uint64{}
	for _, o := range live {
		o.heldW, o.heldR, o.heldMay, o.loadW, o.loadR, o.wild = 0, 0, 0, 0, 0, false
		o.owner = j.ownerOf(o)
		if j.guard != "" {
			o.guarded = j.evidenceFor(o, o.held, o.may, j.guard)
			o.loadGuarded = j.evidenceFor(o, o.loadHeld, nil, j.guard)
		}
		see := func(path string, mask *uint64) {
			k := j.lockKey(path)
			if unnamed(k) {
				o.wild = o.wild || mask != &o.loadR && mask != &o.loadW
				return
			}
			if useless(path, o.path) {
				return
			}
			b, ok := bits[k]
			if !ok {
				b = 1 << min(len(bits), 63)
				bits[k] = b
			}
			*mask |= b
		}
		for _, r := range o.held {
			if r.Read {
				see(r.Path, &o.heldR)
			} else {
				see(r.Path, &o.heldW)
			}
		}
		for _, p := range o.may {
			see(p, &o.heldMay)
		}
		for _, r := range o.loadHeld {
			if r.Read {
				see(r.Path, &o.loadR)
			} else {
				see(r.Path, &o.loadW)
			}
		}
	}
}

// ownerOf returns the type of the nearest object around the map's holder whose lock is held, ""
// if there is none. Objects that are parts of different owners, each guarded by its owner's
// lock, are different objects (rule I2).
func (j *judgement) ownerOf(o *occurrence) string {
	owner, nearest := "", ""
	for _, r := range o.held {
		h := parent(r.Path)
		if h != "" && hasPrefix(o.path, h) && h != parent(trimElems(o.path)) && len(h) > len(nearest) {
			owner, nearest = holderOf(lastSelector(r.Path)), h
		}
	}
	if owner != "" || known(o.path) {
		return owner
	}
	// The outermost path may have become too long to be followed. Further down the call chain
	// it still tells what is around the map.
	for c := o.chain; c != nil; c = c.up {
		for p := parent(trimElems(c.path)); parent(p) != ""; p = parent(p) {
			t := holderOf(lastSelector(p))
			if slices.ContainsFunc(o.held, func(r LockRef) bool { return holderOf(j.lockKey(r.Path)) == t }) {
				return t
			}
		}
	}
	return ""
}

// commonLock reports whether two occurrences exclude each other, or might.
func commonLock(a, b *occurrence) bool {
	if a.wild || b.wild {
		return true
	}
	x, y := a.masks(), b.masks()
	if a.aliased && !content(b) && b.acc.Op.Mutates() {
		x = lockMasks{w: a.loadW, r: a.loadR} // what b replaces was read there
	}
	if b.aliased && !content(a) && a.acc.Op.Mutates() {
		y = lockMasks{w: b.loadW, r: b.loadR}
	}
	return x.w&(y.w|y.r|y.may) != 0 || y.w&(x.r|x.may) != 0 || x.may&y.r != 0 || y.may&x.r != 0
}

// lockMasks are the locks an occurrence holds: to write, to read, perhaps.
type lockMasks struct{ w, r, may uint64 }

func (o *occurrence) masks() lockMasks { return lockMasks{o.heldW, o.heldR, o.heldMay} }

// content reports whether an operation changes what a map holds that others may have got
// hold of. Replacing the variable does not, nor does filling what it was just replaced by.
func content(o *occurrence) bool {
	return o.acc.Op.Mutates() && o.acc.Op != Replace && !o.acc.Filling
}

// otherLock reports whether a lock is held that looks as if it were meant to guard the map:
// of the same holder, or local to the function.
func (j *judgement) otherLock(o *occurrence) bool {
	for _, r := range o.held {
		k := j.lockKey(r.Path)
		if k != j.guard && !unnamed(k) && (holderOf(k) == j.decl.Holder || strings.HasPrefix(k, "local:")) {
			return true
		}
	}
	return false
}

// sometimesHeld reports whether some other way to the same access holds the guard.
func (j *judgement) sometimesHeld(o *occurrence) bool {
	for _, u := range j.uses {
		if u.acc != o.acc {
			continue
		}
		for _, x := range u.live {
			if j.evidenceFor(x, x.held, x.may, j.guard) > notHeld {
				return true
			}
		}
	}
	return false
}
