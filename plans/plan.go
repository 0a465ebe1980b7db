// This file defines the plan's data: what plan.json holds, field by field.

package plans

import "fmt"

// FormatVersion is the version of the plan JSON that this package writes and reads.
// Additive changes keep it; a change that would make an old reader wrong raises it.
const FormatVersion = 1

// A Plan is everything mapmigrate found and proposes for one module. It is plain
// data: someone who holds only the plan (and the module's files) can review it,
// apply it, or see why it cannot be applied.
type Plan struct {
	FormatVersion int     `json:"format_version"`
	ToolVersion   string  `json:"tool_version"`
	Module        string  `json:"module"`
	Strategy      string  `json:"strategy"`
	Complete      bool    `json:"complete"` // false: some packages could not be analysed (Summary.Incomplete says which)
	Summary       Summary `json:"summary"`
	Runtime       Runtime `json:"runtime"`
	// Shared holds the edits that several sites need (imports, runtime files).
	// A shared edit is applied once when at least one of its sites is.
	Shared []SharedEdit `json:"shared"`
	Sites  []*Site      `json:"sites"`

	Suppressed []Suppressed `json:"suppressed,omitempty"` // findings that are not reported, and why
	Warnings   []Warning    `json:"warnings,omitempty"`   // directives and entries without an effect
	// Evidence says what each report and profile of --evidence was found to be about.
	Evidence []Evidence `json:"evidence,omitempty"`
}

// An Evidence is one race report, crash trace or profile that the plan was made with.
type Evidence struct {
	File    string   `json:"file"` // base name
	Line    int      `json:"line,omitempty"`
	Kind    string   `json:"kind"`    // "race", "crash", "cpu", "mutex" or "block"
	Message string   `json:"message"` // "data race", "concurrent map writes", …
	Maps    []string `json:"maps,omitempty"`
	Why     string   `json:"why,omitempty"` // without maps: why there are none
}

// Summary counts what the plan holds, so that a reader need not.
type Summary struct {
	Packages   int            `json:"packages"`
	Maps       int            `json:"maps"`       // map variables in first-party code
	Findings   map[string]int `json:"findings"`   // by category
	Confidence map[string]int `json:"confidence"` // sites by their highest confidence
	Status     map[string]int `json:"status"`     // sites by status
	Refusals   map[string]int `json:"refusals"`   // by code
	Incomplete []string       `json:"incomplete,omitempty"`
	Suppressed map[string]int `json:"suppressed,omitempty"` // findings that are not reported, by who keeps them
}

// Runtime names the runtime package that applying the plan emits.
type Runtime struct {
	Dir     string   `json:"dir"`     // module-relative, slash-separated; "" when none is needed
	Version int      `json:"version"` // safemap.Version
	Files   []string `json:"files"`   // base names
}

// Status is where a site stands in its life.
type Status string

const (
	Proposed Status = "proposed" // has edits, awaits review
	Approved Status = "approved"
	Rejected Status = "rejected"
	Refused  Status = "refused" // has no edits; Refusals says why
	Applied  Status = "applied"
)

// A Site is the unit of migration: all map variables that must change type
// together, with their evidence, edits and race test.
type Site struct {
	ID          string       `json:"id"`   // stable across unrelated edits
	Name        string       `json:"name"` // pkgname.Var, pkgname.Type.field or pkgname.Func.local
	Kind        string       `json:"kind"` // package-var, field or local
	Type        string       `json:"type"` // as written in the source
	Package     string       `json:"package"`
	Pos         Pos          `json:"pos"`
	Members     []Member     `json:"members,omitempty"` // the other variables of the alias class
	Nested      bool         `json:"nested"`
	Status      Status       `json:"status"`
	CoupledWith []string     `json:"coupled_with"` // site ids that must be approved together with this one
	Findings    []Finding    `json:"findings"`
	Strategy    Strategy     `json:"strategy"`
	Refusals    []*Refusal   `json:"refusals"`
	Notes       []string     `json:"notes,omitempty"` // behaviour a reviewer should know of (weaker iteration, changed log output, O(n) copies)
	Edits       []Edit       `json:"edits"`
	Files       []FileChange `json:"files"`
	Diff        string       `json:"diff"`
	RaceTest    *RaceTest    `json:"race_test,omitempty"`
}

// A Member is another variable of a site's alias class.
type Member struct {
	Name string `json:"name"`
	Pos  Pos    `json:"pos"`
}

// A Pos is a place in the module: a slash-separated path relative to the module
// root, and a 1-based line and column (bytes).
type Pos struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

// A Finding is a verdict about one map variable with the accesses that prove it.
type Finding struct {
	Category   string   `json:"category"`
	Confidence string   `json:"confidence"`
	Message    string   `json:"message"`
	Doubt      string   `json:"doubt,omitempty"`     // what keeps it from being surer
	Accesses   []Access `json:"accesses"`            // the two conflicting ones first
	Baselined  bool     `json:"baselined,omitempty"` // the baseline has it; the site is there for another one
}

// An Access is one use of a map, with the locks held and the contexts that run it.
type Access struct {
	Op       string   `json:"op"`
	Pos      Pos      `json:"pos"`
	Func     string   `json:"func"`
	Locks    []string `json:"locks"`
	Contexts []string `json:"contexts"`
	Path     []Step   `json:"path"` // how the access comes to run, outermost first
}

// A Step is one place on an access's path.
type Step struct {
	Pos  Pos    `json:"pos"`
	Note string `json:"note"`
}

// A Strategy is the chosen target form, why, and what was rejected.
type Strategy struct {
	Name     string        `json:"name"`
	Reason   string        `json:"reason"`
	Rejected []Alternative `json:"rejected"`
}

// An Alternative is a strategy that was not chosen, and the reason in one line.
type Alternative struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Refusal classes.
const (
	Unsafe    = "unsafe"    // a rewrite could be wrong: nothing overrides it
	Unhelpful = "unhelpful" // a rewrite would not cure it: an explicit --strategy or --scope=all overrides it
)

// A Refusal says why a site is not rewritten and what its owner can do. It is a
// result, not a failure; it implements error so that it can travel as one and be
// found with errors.As.
type Refusal struct {
	Code    string `json:"code"`  // kebab-case; `mapmigrate explain CODE` documents it
	Class   string `json:"class"` // Unsafe or Unhelpful
	Message string `json:"message"`
	Remedy  string `json:"remedy"`
	Pos     Pos    `json:"pos"`
	Related []Step `json:"related,omitempty"`
}

func (r *Refusal) Error() string {
	return fmt.Sprintf("%s: %s: %s", r.Pos, r.Code, r.Message)
}

// An Edit replaces the bytes [Start, End) of a baseline file by New.
type Edit struct {
	File      string `json:"file"` // module-relative, slash-separated
	Start     int    `json:"start"`
	End       int    `json:"end"`
	OldSHA256 string `json:"old_sha256"` // of the replaced bytes, hex
	New       string `json:"new"`
}

// A SharedEdit is an edit that several sites need, or a file that it creates
// (Create: the file must not exist, or already hold exactly New).
type SharedEdit struct {
	Edit
	Create bool     `json:"create,omitempty"`
	Sites  []string `json:"sites"` // ids; the reference count is its length
}

// A FileChange names a file that a site's edits touch and what it was computed
// from. AfterSHA256 is the file's hash when this site alone (with its couples
// and shared edits) is applied. BeforeSHA256 is "" for a file that is created.
type FileChange struct {
	Path         string `json:"path"`
	BeforeSHA256 string `json:"before_sha256"`
	AfterSHA256  string `json:"after_sha256"`
}

// A RaceTest is a site's generated test. Level "program" calls the program's own
// functions and can prove something about the program; level "map" drives only
// the map. Before and After are the outcomes `mapmigrate verify` recorded:
// "", "failed", "passed", "not-reproduced", "timed-out" or "did-not-build".
type RaceTest struct {
	File         string `json:"file"` // "" when there is no test, or none yet: verify writes those of the form "behaviour"
	Name         string `json:"name"`
	Level        string `json:"level"`
	Form         string `json:"form"` // "synctest", "stress" or "behaviour"
	Seed         int64  `json:"seed"`
	BeforeSource string `json:"before_source"`
	AfterSource  string `json:"after_source"`
	Before       string `json:"before"`
	After        string `json:"after"`
	Reason       string `json:"reason,omitempty"` // why not program level, or why there is no test

	// What else verify recorded: how often the test ran and failed before, a sentence for
	// each side that is not as wanted, and the goroutines that the test left behind.
	Runs         int      `json:"runs,omitempty"`
	BeforeFailed int      `json:"before_failed,omitempty"`
	BeforeDetail string   `json:"before_detail,omitempty"`
	AfterDetail  string   `json:"after_detail,omitempty"`
	Leaks        []string `json:"leaks,omitempty"`
	// Places are the lines of all accesses of the site's maps, also those that no finding
	// names: a race is on these maps when its two sides are there.
	Places []Pos `json:"places,omitempty"`
	// Atomicity is the test of compound steps; nil when there are none to test.
	Atomicity *AtomicityTest `json:"atomicity,omitempty"`
}

// An AtomicityTest runs calls of the migrated code in every order of their operations
// on the map, on an instrumented runtime. It is only ever laid over the module, never
// written. Result is "", "passed", "failed", "not-comparable", "timed-out" or
// "did-not-build".
type AtomicityTest struct {
	File   string `json:"file"`
	Name   string `json:"name"`
	Source string `json:"source"`
	Result string `json:"result"`
	Detail string `json:"detail,omitempty"`
}
