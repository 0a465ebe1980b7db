// This file decides which map a report is about.

package evidence

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Target is a map variable as evidence sees it: the lines that use it.
type Target struct {
	Name string // for sentences: "chathub.Hub.rooms"
	Uses []Use
	// Indirect says that the elements are pointers, or hold some: memory that the
	// lines of the map touch may be an element's own and not the map's.
	Indirect bool
}

// A Use is one access of a target's map in the source.
type Use struct {
	Place          // File best relative to the module
	Package string // import path of the code, "" when unknown
	Func    string // "(*Hub).Join", "Join.func1": without the package
	Main    bool   // the package is a command: its functions are named main.F
	Mutates bool   // writes, deletes, clears, or assigns the variable
	Assigns bool   // assigns the variable itself
	Ranges  bool   // loops over the map
}

// How says what a report was matched by.
type How string

const (
	ByLine     How = "line"     // the lines of the report are lines that use the map
	ByFunction How = "function" // its functions use one map only, but on other lines: the log is of another version
)

// A Match is the answer for one report. Without targets, Why says why there are
// none; it never is "" then.
type Match struct {
	Report  *Report
	Targets []int // indexes, ascending; several when one line uses several maps in the same way
	How     How
	Why     string
}

// Attribute decides for each report which of the targets it is about.
//
// The rules, first match wins:
//
//	L1  Both sides of a race stand on lines that use the map, a side that was caught
//	    changing a map on one that does so. A side whose stack is lost, or (when the other side was caught in the runtime's
//	    map code) one that stands elsewhere, does not count against it: an alias.
//	L2  A crash is judged by the goroutine that noticed; the runtime does not say
//	    which of the others it met.
//	L3  Where neither side was caught in the runtime's map code, the memory may be an
//	    element's. It is the map's if the elements are no pointers, if a line assigns
//	    the variable, or if another report of the log has shown this map to race. Of
//	    several maps it is then the one so shown.
//	L4  Where no line fits, functions may: the log is from another version of the
//	    program. Both sides have to be in functions that use the map in the way the
//	    side did, the memory has to be a map's, and only one map may fit. Of several, one
//	    that is looped over is it where a side was caught in an iterator.
//
// Cost: reports × uses.
func Attribute(reports []Report, targets []Target) []Match {
	out := make([]Match, len(reports))
	shown := map[int]bool{} // targets that a report showed to race in map code
	var later []int         // reports that rule L3 leaves open
	for i := range reports {
		r := &reports[i]
		out[i].Report = r
		fit := r.fitting(targets, onLine)
		how := ByLine
		if len(fit) == 0 && r.onMap() {
			fit, how = r.fitting(targets, inFunction), ByFunction
			if len(fit) > 1 && r.iterates() {
				looped := r.fitting(targets, func(f Frame, use *Use) bool { return use.Ranges && inFunction(f, use) })
				if len(looped) > 0 {
					fit = looped
				}
			}
		}
		switch {
		case len(fit) == 0:
			out[i].Why = r.whyNot(targets)
		case how == ByFunction && len(fit) > 1:
			out[i].Why = "no line fits (the log is of another version of the program), and the functions use several maps: " + names(targets, fit)
		case r.Kind == Race && !r.onMap():
			out[i].Targets, out[i].How = fit, how
			later = append(later, i)
		default:
			out[i].Targets, out[i].How = fit, how
			for _, t := range fit {
				shown[t] = true
			}
		}
	}
	for _, i := range later {
		m := &out[i]
		fit := slices.DeleteFunc(slices.Clone(m.Targets), func(t int) bool {
			return targets[t].Indirect && !shown[t] && !m.Report.assigns(&targets[t])
		})
		if seen := slices.DeleteFunc(slices.Clone(fit), func(t int) bool { return !shown[t] }); len(seen) > 0 {
			fit = seen
		}
		if len(fit) == 0 {
			m.Why = "the memory is not the map's own: the lines use " + names(targets, m.Targets) + ", and what raced is an element or another variable"
			m.How = ""
		}
		m.Targets = fit
	}
	return out
}

func names(targets []Target, which []int) string {
	var list []string
	for _, i := range which {
		list = append(list, targets[i].Name)
	}
	return strings.Join(list, ", ")
}

// A fitness says whether a frame is code that uses a map at use.
type fitness func(f Frame, use *Use) bool

// onLine wants file, line and package to agree.
func onLine(f Frame, use *Use) bool {
	return f.At(use.Place) && samePackage(f, use)
}

// inFunction wants function, file and package to agree.
func inFunction(f Frame, use *Use) bool {
	return use.Func != "" && declared(f.Func) == declared("p."+use.Func) && SamePath(f.File, use.File) && samePackage(f, use)
}

func samePackage(f Frame, use *Use) bool {
	pkg, _ := splitFunc(f.Func)
	if pkg == "" || use.Package == "" {
		return true
	}
	_, vendored, ok := strings.Cut(pkg, "/vendor/")
	return pkg == use.Package || pkg == use.Package+"_test" || use.Main && pkg == "main" || ok && vendored == use.Package
}

// fitting returns the targets that a report can be about, by rules L1 and L2.
func (r *Report) fitting(targets []Target, fits fitness) []int {
	var out []int
	for i := range targets {
		if r.fits(&targets[i], fits) {
			out = append(out, i)
		}
	}
	return out
}

func (r *Report) fits(t *Target, fits fitness) bool {
	if len(r.Accesses) == 0 {
		return false
	}
	if r.Kind == Crash {
		return r.Accesses[0].uses(t, fits)
	}
	hits, strangers := 0, 0
	for i := range r.Accesses {
		a := &r.Accesses[i]
		switch {
		case len(a.Frames) == 0: // lost
		case a.uses(t, fits):
			hits++
		default:
			strangers++
		}
	}
	return hits > 0 && (strangers == 0 || r.onMap())
}

// uses reports whether the access is one of the target's uses, done in the same way.
func (a *Access) uses(t *Target, fits fitness) bool {
	for _, f := range a.Frames {
		if isRuntime(f.Func) {
			continue
		}
		for i := range t.Uses {
			// A changing line also reads (m[k]++), so only a write says something.
			if fits(f, &t.Uses[i]) && (t.Uses[i].Mutates || !a.writes()) {
				return true
			}
		}
		if !handed(f.Func) {
			return false
		}
	}
	return false
}

// writes reports whether the access was caught changing a map: in the runtime's code for
// that, or in the program's own code, which writes to the slot that the runtime found.
func (a *Access) writes() bool {
	if len(a.Frames) == 0 {
		return false
	}
	fn := a.Frames[0].Func
	if !isRuntime(fn) {
		return strings.HasSuffix(a.Op, "write") && !handed(fn)
	}
	fn = fn[strings.LastIndexByte(fn, '.')+1:]
	return strings.HasPrefix(fn, "mapassign") || strings.HasPrefix(fn, "mapdelete") || strings.HasPrefix(fn, "mapclear")
}

// iterates reports whether a side, of a crash the one that noticed, was caught in the
// runtime's iterator.
func (r *Report) iterates() bool {
	for i := range r.Accesses {
		if r.Kind == Crash && i > 0 {
			break
		}
		for _, f := range r.Accesses[i].Frames {
			if !isRuntime(f.Func) {
				break
			}
			if strings.Contains(f.Func, "mapiter") || strings.Contains(f.Func, "mapIter") || strings.Contains(f.Func, "maps.(*Iter)") {
				return true
			}
		}
	}
	return false
}

func (r *Report) onMap() bool {
	return r.Kind == Crash || slices.ContainsFunc(r.Accesses, func(a Access) bool { return a.OnMap() })
}

// assigns reports whether a side stands on a line that assigns the map variable.
func (r *Report) assigns(t *Target) bool {
	for i := range r.Accesses {
		f, ok := r.Accesses[i].User()
		for k := range t.Uses {
			if ok && t.Uses[k].Assigns && onLine(f, &t.Uses[k]) {
				return true
			}
		}
	}
	return false
}

// whyNot says what kept a report from being about any target.
func (r *Report) whyNot(targets []Target) string {
	known := false // a side is in a file that some target's uses are in
	var used []int // targets that a side's line uses, whatever the side did
	place := ""
	lost := true
	for i := range r.Accesses {
		a := &r.Accesses[i]
		f, ok := a.User()
		if !ok || r.Kind == Crash && i > 0 {
			continue
		}
		lost = false
		if place == "" {
			place = fmt.Sprintf("%s at %s:%d", f.Func, f.File, f.Line)
		}
		for t := range targets {
			for u := range targets[t].Uses {
				use := &targets[t].Uses[u]
				known = known || SamePath(f.File, use.File) && samePackage(f, use)
				if onLine(f, use) && !slices.Contains(used, t) {
					used = append(used, t)
				}
			}
		}
	}
	switch {
	case lost:
		return "no stack of it could be restored"
	case !r.onMap() && len(used) > 0:
		return "the memory is not the map's own: the lines use " + names(targets, used) + ", and what raced is an element or another variable"
	case !r.onMap() && known:
		return "the memory is not a map's: " + place + " touches something else"
	case !r.onMap():
		return "the memory is not a map's, and the code is not of these packages: " + place
	case known:
		return "no map variable that was found is used there: " + place
	}
	return "the code is not of these packages: " + place
}

var (
	// inner is what the compiler appends to a declared function's name for code inside
	// it: literals, wrappers of go and defer statements, bodies of range-over-func,
	// method values.
	inner = regexp.MustCompile(`(\.func\d|\.gowrap\d|\.deferwrap\d|-range\d|-fm$|·f$).*$`)
	digit = regexp.MustCompile(`\.\d+$`)
)

// declared returns the declared function that a symbol belongs to, without package,
// type arguments and the marks of a pointer receiver: "Hub.Join".
func declared(symbol string) string {
	_, fn := splitFunc(symbol)
	fn = inner.ReplaceAllString(fn, "")
	fn = digit.ReplaceAllString(fn, "")
	return strings.NewReplacer("(*", "", "(", "", ")", "").Replace(fn)
}

// splitFunc splits "example.com/a.b/p.(*Hub[go.shape.int]).Join" into its package and
// "(*Hub).Join".
func splitFunc(symbol string) (pkg, fn string) {
	symbol = withoutTypeArgs(symbol)
	slash := strings.LastIndexByte(symbol, '/')
	dot := strings.IndexByte(symbol[slash+1:], '.')
	if dot < 0 {
		return "", symbol
	}
	pkg = symbol[:slash+1+dot]
	return strings.ReplaceAll(pkg, "%2e", "."), symbol[slash+1+dot+1:]
}

func withoutTypeArgs(s string) string {
	if !strings.Contains(s, "[") {
		return s
	}
	var b strings.Builder
	depth := 0
	for _, r := range s {
		switch {
		case r == '[':
			depth++
		case r == ']':
			depth--
		case depth == 0:
			b.WriteRune(r)
		}
	}
	return b.String()
}
