// This file is the door of the package: requests in, sites out.

package rewrite

import (
	"context"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
)

// A Request asks for one map variable to be migrated.
type Request struct {
	Map      *detect.Map
	Strategy string // "sharded", "syncmap", "locked" or "provider"
}

// Options are the choices that hold for a whole run.
type Options struct {
	StdRuntime     bool // --runtime=std: emit sync.Map itself where every use has a direct method
	AllowAPIChange bool // --allow-api-change: exported API of non-internal packages may change
	StrictLines    bool // --strict-lines: not even white-space re-alignment outside sites
	Tags           string
	// Progress is called with the number of steps done and in all; may be nil.
	Progress func(done, total int)
}

// A Site is the outcome for one alias class: all requested map variables that
// must change type together, with the edits that migrate them, or refusals.
type Site struct {
	Maps     []*detect.Map // the requested ones, sorted by position; Maps[0] names the site
	Members  []plans.Member
	Strategy string
	Refusals []*plans.Refusal // non-empty: no edits
	Notes    []string
	Edits    []plans.Edit
	Coupled  []int // indexes of sites that must be applied together with this one
}

// An Output is the result of rewriting: sites in the order of their first
// map's position, the edits they share, and the runtime they need.
type Output struct {
	Sites   []*Site
	Shared  []plans.SharedEdit // Sites holds indexes in decimal; cmd replaces them by ids
	Runtime plans.Runtime
	// Files holds the new contents (by module-relative path) when every
	// migratable site is applied, runtime files included.
	Files map[string][]byte
}

// Rewrite migrates the requested maps in memory. Nothing is written. Every file
// of the output has passed all gates: it parses, keeps every comment, changes no
// token outside a site, type-checks with the whole module, and compiles.
//
// prog must have been loaded with tests and with Extra = RuntimeImports().
func Rewrite(ctx context.Context, prog *detect.Program, reqs []Request, opts Options) (*Output, error) {
	panic("not yet")
}

// RuntimeImports lists the packages that the emitted runtime imports: what
// detect.Config.Extra must name so that results can be type-checked.
func RuntimeImports() []string { return nil }

// Check runs all gates on exactly this set of new file contents (module-relative
// path → content): the module type-checks and the changed packages compile.
func Check(ctx context.Context, prog *detect.Program, files map[string][]byte, opts Options) error {
	panic("not yet")
}

// A Doc explains one refusal code for `mapmigrate explain CODE`.
type Doc struct {
	Code, Class, Title, Text string
}
