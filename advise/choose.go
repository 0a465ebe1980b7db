// This file chooses the form of a map from counted facts.

package advise

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/mapmigrate/mapmigrate/detect"
)

// choose returns the best form for m, with reasons. The rules, first match wins:
//
//	R1  per instance        A map that exists many times over (in a connection, a request,
//	                        a local) is locked: an empty sharded map takes 0.7 to 2.5 KB.
//	R2  nested              Rows want one step per outer key: sharded by it.
//	R3  whole-map work      Where most of the work is range, len and clear, one lock makes
//	                        each of them exact and cheap: locked.
//	R4  few keys            A key type with a handful of values cannot be spread: locked.
//	R5  read-mostly cache   Twice as many reads as writes, nothing removed or counted: syncmap.
//	R6  single writer       Nobody to spread over shards: locked.
//	R7  all else            Shared and mixed: sharded.
//
// provider is never chosen: nothing in the source shows that someone wants to switch
// forms at run time.
func choose(m *detect.Map) Advice {
	c := count(m)
	instance := perInstance(m)
	unfit := syncMapUnfit(m, c)
	writer := singleWriter(m)
	var a Advice
	switch {
	case instance != "":
		a.Strategy, a.Reason = Locked, instance+", so many instances exist and each must be small; "+c.String()
	case m.Nested:
		a.Strategy, a.Reason = Sharded, "nested: every operation on a row is one step, rows spread by outer key; "+c.String()
	case c.whole() > c.keyed() && c.whole() > 0:
		a.Strategy, a.Reason = Locked, fmt.Sprintf("mostly whole-map work (weight %d of %d), which one lock keeps exact; %s", c.whole(), c.whole()+c.keyed(), c)
	case fewKeys(m) != "":
		a.Strategy, a.Reason = Locked, fmt.Sprintf("keys of type %s: too few to spread over shards; %s", fewKeys(m), c)
	case unfit == "":
		a.Strategy, a.Reason = SyncMap, "mostly read, and no key is removed, counted or updated in place: what sync.Map is for; "+c.String()
	case writer != "":
		a.Strategy, a.Reason = Locked, fmt.Sprintf("a single writer (%s), nothing to gain from shards; %s", writer, c)
	default:
		a.Strategy, a.Reason = Sharded, "shared with mixed use; "+c.String()
	}
	a.Rejected = rejected(m, c, a.Strategy, instance, unfit, writer)
	return a
}

// rejected gives each form that was not chosen its reason.
func rejected(m *detect.Map, c counts, chosen, instance, unfit, writer string) []Alternative {
	var out []Alternative
	reject := func(name, reason string) {
		if name != chosen {
			out = append(out, Alternative{name, reason})
		}
	}
	switch {
	case instance != "":
		reject(Sharded, "an empty one takes 0.7 to 2.5 KB in every instance")
	case c.whole() > c.keyed():
		reject(Sharded, "whole-map operations visit every shard and see each at its own instant")
	case fewKeys(m) != "":
		reject(Sharded, "too few keys to spread over shards")
	case writer != "" && unfit != "":
		reject(Sharded, "a single writer does not contend with itself")
	default:
		reject(Sharded, "nothing needs more than sync.Map has, and its reads take no lock")
	}
	switch {
	case m.Nested:
		reject(SyncMap, "cannot change a row and its place in the outer map in one step")
	case unfit != "":
		reject(SyncMap, unfit)
	default:
		reject(SyncMap, "boxes every value and is larger than one lock and a map")
	}
	reject(Locked, "one lock for all keys: every goroutine waits for every other")
	reject(Provider, "nothing asks for changing the form at run time; --strategy=provider does")
	return out
}

// counts are the uses of a map outside tests, after it is shared.
type counts struct {
	sites  map[detect.Op]int // in the source
	weight map[detect.Op]int // the same, a loop counting eightfold, at most two deep
	looped int               // uses inside loops
	owned  int               // uses before the map is shared, not counted above
}

func count(m *detect.Map) counts {
	c := counts{sites: map[detect.Op]int{}, weight: map[detect.Op]int{}}
	for _, a := range m.Accesses {
		switch {
		case a.Test:
			continue
		case a.Owned:
			c.owned++
			continue
		}
		c.sites[a.Op]++
		c.weight[a.Op] += 1 << (3 * min(a.LoopDepth, 2))
		if a.LoopDepth > 0 {
			c.looped++
		}
	}
	return c
}

// keyed is the weight of operations on one key, whole that of operations on all.
func (c counts) keyed() int { return c.sum(detect.Read, detect.Write, detect.Update, detect.Delete) }
func (c counts) whole() int { return c.sum(detect.Range, detect.Len, detect.Clear) }

func (c counts) sum(ops ...detect.Op) (n int) {
	for _, op := range ops {
		n += c.weight[op]
	}
	return n
}

// String lists what there is: "3 reads, 1 write, 1 range (2 in loops)".
func (c counts) String() string {
	var parts []string
	for _, op := range []detect.Op{detect.Read, detect.Write, detect.Update, detect.Delete, detect.Range, detect.Len, detect.Clear, detect.Replace, detect.Escape} {
		if n := c.sites[op]; n > 0 {
			parts = append(parts, plural(n, string(op)))
		}
	}
	if len(parts) == 0 {
		return "no use once it is shared"
	}
	s := strings.Join(parts, ", ")
	if c.looped > 0 {
		s += fmt.Sprintf(" (%d in loops)", c.looped)
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "h") { // "len" stays: it is Go's word
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// syncMapUnfit says why sync.Map does not fit, "" if it does.
func syncMapUnfit(m *detect.Map, c counts) string {
	var why []string
	if n := c.sites[detect.Len]; n > 0 {
		why = append(why, fmt.Sprintf("has no Len (%s)", plural(n, "use")))
	}
	if n := c.sites[detect.Range]; n > 0 {
		why = append(why, fmt.Sprintf("has no consistent iteration (%s)", plural(n, "range")))
	}
	if n := c.sites[detect.Update]; n > 0 {
		why = append(why, fmt.Sprintf("updates retry and allocate (%s)", plural(n, "update")))
	}
	var gone []string
	for _, op := range []detect.Op{detect.Delete, detect.Clear} {
		if n := c.sites[op]; n > 0 {
			gone = append(gone, plural(n, string(op)))
		}
	}
	if len(gone) > 0 {
		why = append(why, fmt.Sprintf("keys come and go (%s)", strings.Join(gone, ", ")))
	}
	if r, w := c.sum(detect.Read), c.sum(detect.Write); len(why) == 0 && r < 2*w {
		why = append(why, fmt.Sprintf("not mostly read (reads weigh %d, writes %d)", r, w))
	}
	return strings.Join(why, ", ")
}

// instanceWords end the names of types that live once per connection, request or task.
var instanceWords = []string{
	"client", "conn", "connection", "ctx", "context", "job", "message", "msg", "peer", "query", "request", "req",
	"response", "session", "stream", "subscriber", "subscription", "task", "transaction", "tx", "txn", "worker",
}

// perInstance says why many instances of m exist at once, "" if nothing shows it.
func perInstance(m *detect.Map) string {
	switch m.Kind {
	case detect.Local:
		for _, f := range []string{".main.", ".TestMain.", ".init."} {
			if strings.Contains(m.Name, f) {
				return ""
			}
		}
		return "made anew in every call"
	case detect.Field:
		holder := path.Ext(m.Holder)
		if holder == "" {
			return ""
		}
		holder = holder[1:]
		if w := lastWord(holder); slices.Contains(instanceWords, w) {
			return fmt.Sprintf("its holder %s is one per %s", holder, w)
		}
		for _, a := range m.Accesses {
			if a.Op == detect.Replace && a.Owned && !a.Test && a.LoopDepth > 0 {
				return fmt.Sprintf("its holder %s is made in a loop in %s", holder, a.Func)
			}
		}
	}
	return ""
}

// lastWord returns the last word of a mixed-caps name, in lower case.
func lastWord(name string) string {
	start := 0
	for i, r := range name {
		if i > 0 && unicode.IsUpper(r) && !unicode.IsUpper(rune(name[i-1])) {
			start = i
		}
	}
	return strings.ToLower(name[start:])
}

// fewKeys returns the map's key type if it has only a handful of values.
func fewKeys(m *detect.Map) string {
	for _, k := range []string{"bool", "struct{}"} {
		if strings.HasPrefix(m.Type, "map["+k+"]") {
			return k
		}
	}
	return ""
}

// singleWriter names the only context that changes the map while others read it,
// provided that it cannot overlap with itself as a handler does.
func singleWriter(m *detect.Map) string {
	var writer string
	for _, a := range m.Accesses {
		if a.Owned || a.Test || !a.Op.Mutates() {
			continue
		}
		for _, ctx := range a.Contexts {
			if ctx != "main" && ctx != "init" || writer != "" && writer != ctx {
				return ""
			}
			writer = ctx
		}
	}
	return writer
}
