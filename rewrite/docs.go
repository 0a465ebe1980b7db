// This file documents every refusal code, once: for `mapmigrate explain`, and as
// the remedy where a refusal has none that is more specific.

package rewrite

import (
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/plans"
)

// A Doc explains one refusal code.
type Doc struct {
	Code, Class, Title string
	Text               string // what it means, with an example
	Remedy             string // what the owner can do
}

// Docs returns the documentation of every code that Rewrite refuses with, sorted
// by code.
func Docs() []Doc {
	out := slices.Clone(docs)
	for i := range out {
		if out[i].Class == "" {
			out[i].Class = plans.Unsafe
		}
	}
	slices.SortFunc(out, func(a, b Doc) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// remedyFor returns the general remedy of a code.
func remedyFor(code string) string {
	for _, d := range docs {
		if d.Code == code {
			return d.Remedy
		}
	}
	return ""
}

var docs = []Doc{
	{Code: "address-taken", Title: "the address of the map or of an element is taken",
		Text:   "A pointer to the variable (&m) can be used as *map[K]V anywhere; those uses are not followed.\n\n\tdecode(&s.m)",
		Remedy: "pass the map itself: it is a reference already"},
	{Code: "any-conversion", Title: "the map becomes an interface value",
		Text:   "Inside an interface the map keeps its dynamic type: v.(map[K]V) compiles after the rewrite and fails at run time.\n\n\tctx = context.WithValue(ctx, key, m)",
		Remedy: "store a copy (maps.Clone) in the interface value"},
	{Code: "broken-package", Title: "a package that may use the map does not type-check",
		Text:   "Uses in a package with type errors cannot be seen, so that they cannot be rewritten.",
		Remedy: "make `go vet ./...` pass first"},
	{Code: "callback-calls", Title: "a call would run while the map is locked",
		Text:   "m[k] = f(m[k]) becomes one atomic Update with f inside. f may block, or use the map and deadlock, so that only calls known to do neither are taken.\n\n\tm[k] = s.refresh(m[k])",
		Remedy: "compute the new value from a plain function, or take a lock around the statement"},
	{Code: "cannot-hoist", Title: "an operand cannot be evaluated first",
		Text:   "In m[k] += f() the call must run before the map is locked, in a statement of its own; here is no place for one (a for statement's post, an if's init), or its type would change.",
		Remedy: "give the operand a variable of its own, before the statement"},
	{Code: "cannot-spell-type", Title: "the element type has no name here",
		Text:   "The atomic update needs the element type written out, and a nearer variable has its name, or its package does not export it or cannot be imported here. (A package that is only hidden or not imported gets an import.)\n\n\tfor _, client := range list { byName[client.name] = append(byName[client.name], client) }",
		Remedy: "rename the variable that hides the type"},
	{Code: "cgo-file", Title: "the map is used in a cgo file",
		Text:   "cgo compiles a processed copy of the file; its positions are not those of the source.",
		Remedy: "move the map to a file without import \"C\""},
	{Code: "channel", Title: "the map is sent on a channel",
		Text:   "Whoever receives it is not followed.\n\n\tupdates <- s.m",
		Remedy: "send a copy (maps.Clone), or a message about the map"},
	{Code: "crosses-modules", Title: "the map is used in another module",
		Text:   "The runtime lives in internal/ of one module, which another one cannot import.",
		Remedy: "give the other module an accessor instead of the map"},
	{Code: "declaration", Title: "the declaration is not understood",
		Text:   "The variable is declared in a form such as a type switch or a select case.",
		Remedy: "declare the map in a statement of its own"},
	{Code: "escapes-to-call", Title: "the map is passed to a function that may keep or change it",
		Text:   "The callee is outside the module, or a function value, and not known to only read.\n\n\tlib.Register(s.m)",
		Remedy: "pass a copy (maps.Clone) if the callee only reads it"},
	{Code: "exported-api", Title: "other modules may use the map",
		Text:   "An exported variable, field or signature of a package that is not internal is API: changing its type breaks importers that mapmigrate cannot see.",
		Remedy: "use --allow-api-change if no other module uses it, or make it unexported"},
	{Code: "lock-alias", Title: "the map is used by another name",
		Text:   "The access that misses the lock goes through a variable that holds the map: what the lock belongs to cannot be seen there.\n\n\tm := s.m // under s.mu\n\tm[k] = v // without",
		Remedy: "hold the lock for as long as the variable is used, or copy the map (maps.Clone) into it"},
	{Code: "lock-held", Title: "the lock may be held already",
		Text:   "Some way to the access holds the lock, or may: taking it again would wait for ever.\n\n\tfunc (s *S) add(k string) { s.m[k]++ } // called with s.mu held, and without",
		Remedy: "split the function: one that takes the lock, and one for callers that hold it"},
	{Code: "lock-object", Title: "which lock cannot be written down",
		Text:   "The map is reached by a call or an index, so that its lock has no name that is the same before and after the access.\n\n\tfind(id).m[k] = v",
		Remedy: "put the map's holder into a variable, and lock its lock around the access"},
	{Code: "lock-reach", Title: "what would run under the lock may wait, or take locks",
		Text:   "Code between the accesses, or in their statement, calls functions that are not known to end soon and take no lock.\n\n\tfor _, c := range s.conns { delete(s.conns, c.Close()) }",
		Remedy: "move the call out of the critical section"},
	{Code: "lock-steps", Title: "the accesses belong together",
		Text:   "A function uses the map several times, and one critical section around all of it is not possible. One for each would hide from the race detector that another goroutine can come in between.\n\n\tif s.m[k] == nil { c := dial(k); s.m[k] = c }",
		Remedy: "hold the lock for the whole operation, or look again before the map is changed"},
	{Code: "lock-waits", Title: "more than short steps runs under the lock",
		Text:   "Somewhere code that holds the lock waits for others, takes another lock, or calls what is not known to end soon: a method of an interface, a function value, a library. Or a function may end while it holds the lock, and its callers do what they like. If that leads to where the lock is now to be taken, all wait for ever.\n\n\ts.mu.Lock(); close(s.stop); s.wg.Wait(); s.mu.Unlock()",
		Remedy: "make sure that it does not, and take the lock by hand; or let go of it before such a call"},
	{Code: "lock-unbalanced", Title: "a function lets go of a lock that it does not take",
		Text:   "The function calls Unlock (or RUnlock) of the map's lock without a call of Lock: to take it as well would hide what is wrong.\n\n\ts.mu.RLocker() // takes nothing\n\tdefer s.mu.RUnlock()",
		Remedy: "take the lock where the function means to"},
	{Code: "other-lock", Title: "some use of the map holds a lock",
		Text:   "The form mutex gives a map a lock of its own. Where a use holds another one already, it may be meant for the map.\n\n\tmu.Lock(); hits[k]++; mu.Unlock() // and elsewhere without",
		Remedy: "take the lock that is there, or say with //mapmigrate:guardedby that it is the map's"},
	{Code: "not-a-variable", Title: "only a package's variable gets a lock of its own",
		Text:   "The form mutex declares a lock beside a map. A struct with a lock must not be copied, prints differently, and one map may be the field of two; of a local map it is not certain enough which uses come before others start, or after they have ended.\n\n\ttype S struct{ m map[string]int }",
		Remedy: "give the struct a lock, and take it around every use"},
	{Code: "lock-overlap", Title: "two locks would be taken for the same code",
		Text:   "Two maps are used together, and each is to be put under its lock here. One inside the other would be taken twice, or put the two in an order that other code may not keep.\n\n\tcredit[k] -= n\n\tdebit[k] += n",
		Remedy: "decide for one lock for both maps"},
	{Code: "no-guard", Title: "there is no lock to take",
		Text:   "The form guard takes the lock that most accesses of the map hold where an access misses it. This map has none, or no access misses it.",
		Remedy: "choose another form"},
	{Code: "file-version", Title: "the file is compiled for an old Go",
		Text:   "A //go:build go1.x line lowers the file's language version below what the rewritten code needs.",
		Remedy: "raise the file's //go:build line to go1.23 or later"},
	{Code: "first-element", Title: "a map is emptied one element at a time",
		Text:   "A range over the target begins with a copy of the entries. Taking one element by a range, in a loop, then takes time that grows with the square of the map's size.\n\n\tfor len(queue) > 0 {\n\t\tfor k := range queue { delete(queue, k); break }\n\t}",
		Remedy: "range over the map once and delete what is taken, or keep the elements in a slice"},
	{Code: "foreign-map", Title: "the map comes from code that keeps it a plain map",
		Text:   "Assigning a map that a function or another collection still holds would break the alias: changes through one would not show in the other.\n\n\ts.m = lib.Defaults()",
		Remedy: "copy the map where it enters (maps.Clone)"},
	{Code: "function-value", Title: "a function's signature cannot change",
		Text:   "The map is a parameter or result of a function that is used as a value, is a literal, is variadic in it, or has no Go body; who else has that type is unknown.",
		Remedy: "call a declared function directly, with the map as a parameter of its own"},
	{Code: "generated", Title: "the map is used in generated code",
		Text:   "The generator would undo the change, so that generated files are never edited.",
		Remedy: "change the generator, or move the map out of generated code"},
	{Code: "generic-function", Title: "the map is a parameter of a generic function",
		Text:   "The function may be instantiated with other maps, which stay plain.",
		Remedy: "pass a copy (maps.Clone) to the generic function"},
	{Code: "go-directive", Title: "the module's go directive is too old",
		Text:   "The runtime uses hash/maphash.Comparable and ranges over functions: Go 1.24.",
		Remedy: "raise the go line of go.mod to 1.24.0 or later"},
	{Code: "holder-copied", Title: "the struct that would hold the map by value is copied",
		Text:   "A map that is created on demand while shared becomes a value with a lock inside; a copy of its struct would have a map of its own.\n\n\tsnapshot := *s",
		Remedy: "create the map once, before it is shared (in the constructor or declaration), or stop copying the struct"},
	{Code: "holder-reflected", Title: "a value that contains the map is observed as a whole",
		Text:   "Encoders, fmt, templates and deep comparison look into the struct that holds the map, and would see the new type.\n\n\tjson.NewEncoder(w).Encode(s)   // s has an exported field that is the map",
		Remedy: "encode or print a copy of what is wanted, or make the field invisible to it"},
	{Code: "impure-callback", Title: "the update is not safe to run twice",
		Text:   "SyncMap updates by compare-and-swap: two goroutines may compute from the same old value at once. Appending would write to one backing array from both.\n\n\tm[k] = append(m[k], x)",
		Remedy: "use --strategy=sharded or --strategy=locked"},
	{Code: "interface-method", Title: "a method's signature would change",
		Text:   "Some interface has a method of this name and signature: the type might silently stop, or start, to implement it.",
		Remedy: "rename the method, or take the map out of its signature"},
	{Code: "internal-check", Title: "a check of the result failed",
		Text:   "mapmigrate proves each result before it shows it: it parses, keeps every comment, touches no other token, type-checks, compiles. One of these failed, so that the site is refused instead. This is a limit of mapmigrate, not of your code.",
		Remedy: "please report it, with the message"},
	{Code: "line-directives", Title: "the file has //line directives",
		Text:   "Its positions are those of another file.",
		Remedy: "change the file that this one is made from"},
	{Code: "linkname", Title: "the variable is linked by name",
		Text:   "A //go:linkname gives another package the variable with its old type.",
		Remedy: "remove the linkname"},
	{Code: "multi-assign", Title: "an element is assigned together with others",
		Text:   "m[a], m[b] = m[b], m[a] evaluates everything before it assigns; calls cannot do that.",
		Remedy: "assign the element in a statement of its own"},
	{Code: "multi-value", Title: "the map travels among several results",
		Text:   "return f() or g(f()) passes all results on together.",
		Remedy: "assign the results to variables first"},
	{Code: "nan-keys", Title: "a loop clears a map that may hold NaN",
		Text:   "A key that is unlike itself cannot be looked up, so that a range knows it from a snapshot only, and would still come to it after clear.\n\n\tfor range samples { clear(samples) }   // samples is a map[float64]int",
		Remedy: "clear the map after the loop, or leave the loop after clear"},
	{Code: "named-type", Title: "the map has a named type that is taken for another",
		Text:   "A named map type becomes a struct around the new map. Its values keep their type wherever they go, unless they are converted, assigned to or from the plain map type, or used as maps in another package; a type of another module, a generic one, or one with maps for elements stays as well.\n\n\ttype Set map[string]bool\n\tfunc (s Set) all() map[string]bool { return s }",
		Remedy: "use the plain map type, or wrap the named type in a struct"},
	{Code: "nested-strategy", Title: "a nested map has no form of this strategy",
		Text:   "Rows stay atomic only in safemap.Nested, which is sharded, or has one lock. Behind an interface (provider) it cannot be nil, and a sync.Map of rows could not create, change and delete them in one step.",
		Remedy: "use --strategy=sharded or --strategy=locked"},
	{Code: "nested-three-levels", Title: "the map has too many levels, or a literal of three",
		Text:   "A map of three levels becomes one of two whose elements are maps that lock themselves. Named types at the third level, a fourth, and literals with maps in them have no such form.\n\n\tm := map[string]map[string]map[string]int{\"a\": {\"b\": {\"c\": 1}}}",
		Remedy: "give the inner two levels a struct type of their own, or fill the map after it is made"},
	{Code: "nil-row", Title: "a nil row is stored",
		Text:   "The source tells a row that is nil from one that is missing; the atomic get-or-create does not.",
		Remedy: "delete the row instead of storing nil"},
	{Code: "no-direct-method", Title: "sync.Map has no such method",
		Text:   "--runtime=std emits sync.Map itself, only where each use is one of its methods and no type assertion is needed.",
		Remedy: "use --runtime=plain, whose SyncMap is typed and complete"},
	{Code: "other-build", Title: "a file of another build configuration mentions the variable",
		Text:   "Files left out by GOOS, GOARCH or tags are not loaded; they would not compile any more.",
		Remedy: "move the use out of the constrained file, or run with the --tags or GOOS that include it"},
	{Code: "printer-unstable", Title: "the file does not survive formatting",
		Text:   "Printing the unchanged file does not give gofmt's result, so that a changed one could lose something.",
		Remedy: "run gofmt on the file"},
	{Code: "range-target", Title: "a loop assigns to the map or an element",
		Text:   "for m[k] = range xs has no form with calls.",
		Remedy: "use a variable of its own for the loop"},
	{Code: "read-too-early", Title: "a call in the same statement changes the map",
		Text:   "Compilers read an element after the calls of its statement, and a function that is given the map reads it when all its arguments are there. A call that reads stands where it stands.\n\n\ttotal := m[\"a\"] + refresh()   // refresh changes m[\"a\"]",
		Remedy: "make the call in a statement of its own, before or after the read"},
	{Code: "recover-in-loop", Title: "the loop's body calls recover",
		Text:   "A range over a function makes its body a function of its own, and recover works only in the deferred function itself.\n\n\tdefer func() { for range m { if r := recover(); r != nil { … } } }()",
		Remedy: "call recover before the loop"},
	{Code: "recursive-map", Title: "a variable holds both the map and a row",
		Text:   "Their types differ after the rewrite.",
		Remedy: "use two variables"},
	{Code: "row-made-apart", Title: "a row is made outside the nested map",
		Text:   "A row that other code holds before it is stored would be used without its lock.\n\n\trow := load(); m[a] = row",
		Remedy: "store a new map (make, a literal, maps.Clone) into the nested map, and take the row from there"},
	{Code: "runtime-clash", Title: "no folder is free for the runtime",
		Text:   "internal/safemap and internal/mapmigrate/safemap hold other code.",
		Remedy: "free one of them"},
	{Code: "runtime-edited", Title: "the emitted runtime was changed",
		Text:   "A file of the runtime differs from what this version emits; overwriting it would lose the change.",
		Remedy: "move your changes elsewhere and delete the file"},
	{Code: "select-assign", Title: "a select case receives into an element",
		Text:   "case m[k] = <-ch: has no form with a call.",
		Remedy: "receive into a variable and store it in the case's body"},
	{Code: "size-hint", Title: "make's size hint is not an int",
		Text:   "make takes any integer type; the constructor takes an int.",
		Remedy: "convert the size hint to int"},
	{Code: "stored-elsewhere", Title: "the map is an element of another collection",
		Text:   "What is done with it there is not followed.\n\n\tall = append(all, s.m)",
		Remedy: "store a copy (maps.Clone) there"},
	{Code: "two-steps", Title: "several uses are one step of the program",
		Text:   "The map is shared without one lock, and a read decides about a later write. Each use would be atomic, the pair would not:\n\n\tif len(m) < limit { m[k] = v }\n\nShapes that have one atomic call (get-or-create, delete-and-return, counters, lazy rows) are rewritten to it.",
		Remedy: "take one lock around the steps, or write them as one operation"},
	{Code: "unknown-use", Title: "a use is not understood",
		Text:   "The expression uses the map in a form for which mapmigrate has no equivalent.",
		Remedy: "simplify this use of the map"},
	{Code: "variable-replaced", Title: "the variable itself is assigned while shared",
		Text:   "The target is a pointer: assigning it while goroutines use it is a race like the old one.\n\n\tif s.m == nil { s.m = make(map[string]int) }   // every handler runs this",
		Remedy: "create the map once, before it is shared (in the constructor or declaration); use clear to empty it"},
}
