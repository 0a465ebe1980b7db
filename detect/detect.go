// This file defines what detection answers: maps, accesses, findings.

package detect

import "go/token"

// A Result is what linking the summaries of a program found.
type Result struct {
	Maps    []*Map   // every map variable declared in first-party code, sorted by position
	Skipped []string // first-party packages that were not analysed because they do not type-check

	Problems []Problem // directives without an effect, sorted by position
}

// A Map is one map variable and the verdicts about it. It is plain data: no
// types.Object, no syntax; Pos identifies the declaring identifier.
type Map struct {
	Key       string // stable across unrelated edits: "pkgpath.Var", "pkgpath.Type.field", "pkgpath.Func.local"
	Name      string // as the plan shows it: "pkgname.Var", "pkgname.Type.field", "pkgname.Func.local"
	Kind      Kind
	Type      string         // as types.TypeString prints it, relative to the package
	Package   string         // import path
	Pos       token.Position // of the declaring identifier; absolute file name
	Nested    bool           // the element type is a map
	Holder    string         // "pkgpath.Type" for a field
	Generated bool           // declared in a generated file

	// Shared reports a concurrency signal: two contexts, or one that overlaps with
	// itself, can reach accesses of this map, or a lock guards most of them.
	Shared bool

	// Guard is the lock that most accesses hold ("Type.mu", or a package variable),
	// "" when there is none; GuardHeld of GuardTotal not-owned accesses hold it.
	Guard                 string
	GuardHeld, GuardTotal int
	GuardKey              string // the guard as keys name it: "pkgpath.Type.mu", "pkgpath.mu"
	GuardApart            bool   // it is a lock of some object, and the map a package's: each object has another

	Accesses []Access  // of the map itself and, with Inner set, of its rows; sorted by position
	Findings []Finding // most severe first; quiet categories last

	Ignored    bool         // //mapmigrate:ignore is on the declaration
	Suppressed []Suppressed // what directives keep out of Findings
	Odd        []OddOne     // with Options.AllOdd, all functions with an odd access, sorted
}

// Kind says how a map variable is declared.
type Kind string

const (
	PackageVar Kind = "package-var"
	Field      Kind = "field"
	Local      Kind = "local"
)

// Op is what a use does to a map.
type Op string

const (
	Read    Op = "read"
	Write   Op = "write"
	Update  Op = "update" // read-modify-write in one statement
	Delete  Op = "delete"
	Range   Op = "range"
	Len     Op = "len"
	Clear   Op = "clear"
	Replace Op = "replace" // the variable itself is assigned
	Escape  Op = "escape"  // the map is handed to code that is not followed
)

// Mutates reports whether the operation changes the map or the variable.
func (o Op) Mutates() bool {
	switch o {
	case Write, Update, Delete, Clear, Replace:
		return true
	}
	return false
}

// An Access is one use, with what is known about it.
type Access struct {
	Op        Op
	Pos       token.Position
	Func      string   // "(*Type).Method", "Func", "Func.func1"
	Locks     []Lock   // must-hold, callers' locks included
	Locked    bool     // every way of reaching it holds some lock for writing, be it another one each time
	Contexts  []string // sorted: "main", "init", "go server.go:40", "http handler /x", "exported API", …
	Path      []Step   // from the context's root to the access, outermost first
	Owned     bool     // before the map is shared, or after every sharer has ended: cannot race
	Inner     bool     // of a row (m[*]) rather than of the map
	Test      bool     // in code of tests (rule C8)
	LoopDepth int      // loops around the access in its function

	// Bare reports that all ways of reaching it are known, and the guard is not, and cannot
	// be, held on any of them: taking it here does not wait for itself.
	Bare bool
	// Bares are the calls of the access's function through which it is reached without the
	// guard, where all ways through them are so, and there are others that hold it: the lock
	// belongs around these calls.
	Bares []token.Position
	// Odd is the confidence of the surest conflict in which it is the access that lacks the
	// guard, "" if there is none. Findings show one conflict of each category, this all.
	Odd Confidence
}

// A Lock is one lock held at an access.
type Lock struct {
	Name string // "Type.mu", "pkg.mu", relative to what is locked
	Read bool   // held by RLock
	Idle bool   // guards nothing of the map: a lock in a copy, or that of one key (rules L8, L9)
}

// A Step is one place on the way to an access.
type Step struct {
	Pos  token.Position
	Note string
}

// Confidence ranks a finding.
type Confidence string

const (
	Confirmed Confidence = "confirmed" // a race log, a crash or a program-level race test names it
	High      Confidence = "high"
	Medium    Confidence = "medium"
	Low       Confidence = "low"
)

// Rank orders confidences: higher is surer. An unknown one ranks below Low.
func (c Confidence) Rank() int {
	switch c {
	case Confirmed:
		return 3
	case High:
		return 2
	case Medium:
		return 1
	case Low:
		return 0
	}
	return -1
}

// Category says what is wrong with a map (DESIGN §5), or, for the quiet ones, what it is.
type Category string

const (
	Unguarded     Category = "unguarded"
	Partial       Category = "partial"
	WrongLock     Category = "wrong-lock"
	ReadLockWrite Category = "read-lock-write"
	EscapeCat     Category = "escape"
	Iteration     Category = "iteration"
	InnerCat      Category = "inner"
	Replaced      Category = "replaced"
	CheckThenAct  Category = "check-then-act"
	Element       Category = "element"
	Leak          Category = "leak"

	// Quiet: inventory, listed on request.
	Guarded   Category = "guarded"
	Confined  Category = "confined"
	NestedCat Category = "nested"
)

// Quiet reports whether a category is inventory rather than an alarm.
func (c Category) Quiet() bool {
	switch c {
	case Guarded, Confined, NestedCat, Leak:
		return true
	}
	return false
}

// A Finding is a verdict about one map with the accesses that prove it: the two
// conflicting ones first, then further ones of interest.
type Finding struct {
	Category   Category
	Confidence Confidence
	Message    string
	Accesses   []Access
	Doubt      string // what keeps a finding of low or medium confidence from being surer; may be ""
}
