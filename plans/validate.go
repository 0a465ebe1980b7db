// This file defines what must hold of every plan.

package plans

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// An InvalidError lists what is wrong with a plan: it was edited by hand, comes from
// elsewhere, or mapmigrate has a bug. Nothing is written from such a plan.
type InvalidError struct {
	Problems []string
}

func (e *InvalidError) Error() string {
	const most = 10
	var b strings.Builder
	b.WriteString("the plan is not valid: run `mapmigrate plan` again")
	for i, p := range e.Problems {
		if i == most {
			fmt.Fprintf(&b, "\n\tand %d more", len(e.Problems)-most)
			break
		}
		b.WriteString("\n\t" + p)
	}
	return b.String()
}

// Validate reports every broken invariant of the plan as one *InvalidError. It is
// called whenever a plan is read or written, and before every write to sources.
func (p *Plan) Validate() error {
	v := &validator{sites: map[string]*Site{}, before: map[string]string{}}
	v.plan(p)
	if len(v.problems) > 0 {
		return &InvalidError{v.problems}
	}
	return nil
}

type validator struct {
	problems []string
	sites    map[string]*Site
	before   map[string]string // path -> BeforeSHA256, over all sites
}

func (v *validator) errorf(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

func (v *validator) plan(p *Plan) {
	if p.FormatVersion != FormatVersion {
		v.errorf("format_version is %d, not %d", p.FormatVersion, FormatVersion)
	}
	v.runtime(p.Runtime)
	for i, s := range p.Sites {
		switch {
		case s == nil:
			v.errorf("sites[%d] is null", i)
		case !validID(s.ID):
			v.errorf("sites[%d] has the id %q: an id is made of letters, digits and . _ - / # : @ +", i, s.ID)
		case v.sites[s.ID] != nil:
			v.errorf("two sites have the id %s", s.ID)
		default:
			v.sites[s.ID] = s
		}
	}
	if len(v.problems) > 0 {
		return // Have: from here on every site is non-nil and found by its id.
	}
	for _, s := range p.Sites {
		v.site(s)
	}
	v.suppressed(p)
	served := v.shared(p.Shared)
	for _, s := range p.Sites {
		v.coupling(s)
		v.status(s, served)
	}
	v.overlaps(p)
}

func (v *validator) runtime(r Runtime) {
	if r.Dir != "" && !validPath(r.Dir) {
		v.errorf("runtime.dir %q is not a clean relative path inside the module", r.Dir)
	}
	if r.Version < 0 {
		v.errorf("runtime.version is %d", r.Version)
	}
	for _, f := range r.Files {
		if f != path.Base(f) || checkTarget(f) != "" {
			v.errorf("runtime.files: %q is not the base name of a Go file", f)
		}
	}
}

func (v *validator) site(s *Site) {
	if s.Name == "" {
		v.errorf("site %s has no name", s.ID)
	}
	if !slices.Contains([]string{"package-var", "field", "local"}, s.Kind) {
		v.errorf("site %s has the unknown kind %q", s.ID, s.Kind)
	}
	if s.Pos.File == "" || s.Pos.Line == 0 {
		v.errorf("site %s has no position", s.ID)
	}
	v.pos(s.ID, s.Pos)
	for _, m := range s.Members {
		v.pos(s.ID, m.Pos)
	}
	for _, f := range s.Findings {
		if !isKebab(f.Category) {
			v.errorf("site %s has a finding of the category %q, which is not a code", s.ID, f.Category)
		}
		if rank(f.Confidence) == 0 {
			v.errorf("site %s has a finding of the unknown confidence %q", s.ID, f.Confidence)
		}
		for _, a := range f.Accesses {
			v.pos(s.ID, a.Pos)
			v.steps(s.ID, a.Path)
		}
	}
	for _, r := range s.Refusals {
		if r == nil {
			v.errorf("site %s has a null refusal", s.ID)
			continue
		}
		if !isKebab(r.Code) {
			v.errorf("site %s has a refusal with the code %q, which is not kebab-case", s.ID, r.Code)
		}
		if r.Class != Unsafe && r.Class != Unhelpful {
			v.errorf("site %s: refusal %s has the unknown class %q", s.ID, r.Code, r.Class)
		}
		if r.Message == "" {
			v.errorf("site %s: refusal %s has no message", s.ID, r.Code)
		}
		v.pos(s.ID, r.Pos)
		v.steps(s.ID, r.Related)
	}
	v.files(s)
	for i, e := range s.Edits {
		v.edit("site "+s.ID, e)
		if i > 0 && compareEdits(s.Edits[i-1], e) >= 0 {
			v.errorf("site %s: edits are not sorted, or one is there twice (%s:%d)", s.ID, e.File, e.Start)
		}
		if !slices.ContainsFunc(s.Files, func(f FileChange) bool { return f.Path == e.File }) {
			v.errorf("site %s edits %s but does not list it in files", s.ID, e.File)
		}
	}
	if t := s.RaceTest; t != nil && t.File != "" {
		if why := checkTarget(t.File); why != "" {
			v.errorf("site %s: race test %q %s", s.ID, t.File, why)
		} else if !strings.HasSuffix(t.File, "_test.go") {
			v.errorf("site %s: race test %q is not a _test.go file", s.ID, t.File)
		}
		if a := t.Atomicity; a != nil && (checkTarget(a.File) != "" || !strings.HasSuffix(a.File, "_test.go")) {
			v.errorf("site %s: the test of atomicity %q is not a _test.go file inside the module", s.ID, a.File)
		}
	}
}

func (v *validator) files(s *Site) {
	for i, f := range s.Files {
		if why := checkTarget(f.Path); why != "" {
			v.errorf("site %s: file %q %s", s.ID, f.Path, why)
		}
		if i > 0 && s.Files[i-1].Path >= f.Path {
			v.errorf("site %s: files are not sorted, or %q is there twice", s.ID, f.Path)
		}
		if f.BeforeSHA256 != "" && !isHash(f.BeforeSHA256) {
			v.errorf("site %s: before_sha256 of %s is not a SHA-256 in hex", s.ID, f.Path)
		}
		if !isHash(f.AfterSHA256) {
			v.errorf("site %s: after_sha256 of %s is not a SHA-256 in hex", s.ID, f.Path)
		}
		if b, ok := v.before[f.Path]; ok && b != f.BeforeSHA256 {
			v.errorf("site %s: another site has another before_sha256 for %s", s.ID, f.Path)
		}
		v.before[f.Path] = f.BeforeSHA256
	}
}

func (v *validator) edit(owner string, e Edit) {
	if why := checkTarget(e.File); why != "" {
		v.errorf("%s edits %q, which %s", owner, e.File, why)
	}
	switch {
	case e.Start < 0 || e.End < e.Start:
		v.errorf("%s: edit of %s has the range [%d, %d)", owner, e.File, e.Start, e.End)
	case !isHash(e.OldSHA256):
		v.errorf("%s: old_sha256 of %s:%d is not a SHA-256 in hex", owner, e.File, e.Start)
	case e.Start == e.End && e.OldSHA256 != hashOf(nil):
		v.errorf("%s: edit of %s:%d replaces nothing, but old_sha256 is of something", owner, e.File, e.Start)
	case e.Start == e.End && e.New == "":
		v.errorf("%s: edit of %s:%d changes nothing", owner, e.File, e.Start)
	}
	if !utf8.ValidString(e.New) {
		v.errorf("%s: new text of %s:%d is not UTF-8", owner, e.File, e.Start) // JSON could not hold it
	}
}

// shared checks the shared edits and returns the ids of the sites that they serve.
func (v *validator) shared(shared []SharedEdit) map[string]bool {
	served := map[string]bool{}
	for i, e := range shared {
		owner := fmt.Sprintf("shared[%d]", i)
		v.edit(owner, e.Edit)
		if i > 0 && compareEdits(shared[i-1].Edit, e.Edit) >= 0 {
			v.errorf("%s: shared edits are not sorted, or one is there twice (%s:%d)", owner, e.File, e.Start)
		}
		if e.Create {
			if e.Start != 0 || e.End != 0 {
				v.errorf("%s creates %s but has the range [%d, %d)", owner, e.File, e.Start, e.End)
			}
			if v.before[e.File] != "" {
				v.errorf("%s creates %s, which other sites edit", owner, e.File)
			}
		}
		if len(e.Sites) == 0 {
			v.errorf("%s (%s) belongs to no site", owner, e.File)
		}
		for j, id := range e.Sites {
			s := v.sites[id]
			if s == nil {
				v.errorf("%s names the unknown site %q", owner, id)
				continue
			}
			if slices.Contains(e.Sites[:j], id) {
				v.errorf("%s names the site %s twice", owner, id)
			}
			served[id] = true
			if !e.Create && !slices.ContainsFunc(s.Files, func(f FileChange) bool { return f.Path == e.File }) {
				v.errorf("%s edits %s for the site %s, which does not list it in files", owner, e.File, id)
			}
		}
	}
	return served
}

func (v *validator) coupling(s *Site) {
	for i, id := range s.CoupledWith {
		o := v.sites[id]
		switch {
		case id == s.ID:
			v.errorf("site %s is coupled with itself", s.ID)
		case o == nil:
			v.errorf("site %s is coupled with the unknown site %q", s.ID, id)
		case slices.Contains(s.CoupledWith[:i], id):
			v.errorf("site %s is coupled with %s twice", s.ID, id)
		case !slices.Contains(o.CoupledWith, s.ID):
			v.errorf("site %s is coupled with %s, but not the other way round", s.ID, id)
		case (s.Status == Refused) != (o.Status == Refused):
			v.errorf("site %s (%s) is coupled with %s (%s): a refused site has nothing to apply", s.ID, s.Status, id, o.Status)
		case (s.Status == Applied) != (o.Status == Applied):
			v.errorf("site %s (%s) is coupled with %s (%s): coupled sites are applied together", s.ID, s.Status, id, o.Status)
		}
	}
}

func (v *validator) status(s *Site, served map[string]bool) {
	switch s.Status {
	case Refused:
		if len(s.Refusals) == 0 {
			v.errorf("site %s is refused without a refusal", s.ID)
		}
		if len(s.Edits) > 0 || len(s.Files) > 0 || served[s.ID] {
			v.errorf("site %s is refused and yet has edits", s.ID)
		}
	case Proposed, Approved, Rejected, Applied:
		does := func(id string) bool {
			o := v.sites[id]
			return o != nil && len(o.Edits) > 0 || served[id]
		}
		if !does(s.ID) && !slices.ContainsFunc(s.CoupledWith, does) {
			v.errorf("site %s is %s but has no edits", s.ID, s.Status)
		}
		for _, r := range s.Refusals {
			if r != nil && r.Class == Unsafe {
				v.errorf("site %s is %s in spite of the unsafe refusal %s", s.ID, s.Status, r.Code)
			}
		}
	default:
		v.errorf("site %s has the unknown status %q", s.ID, s.Status)
	}
}

// overlaps checks that any choice of sites composes: two edits of one file are
// either the same or apart. This covers the edits of a site and its couples as well
// as those of sites that know nothing of each other.
func (v *validator) overlaps(p *Plan) {
	all := p.owned(func(*Site) bool { return true })
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		if a.File != b.File {
			continue
		}
		switch {
		case a.create || b.create:
			v.errorf("%s: %s creates a file that %s edits too", a.File, a.owner, b.owner)
		case b.Start < a.End:
			v.errorf("%s: the edits [%d, %d) of %s and [%d, %d) of %s overlap", a.File, a.Start, a.End, a.owner, b.Start, b.End, b.owner)
			b.End = max(a.End, b.End)
			all[i] = b
		case a.Start == a.End && b.Start == b.End && a.Start == b.Start && !(a.shared && b.shared):
			v.errorf("%s: %s and %s insert different text at %d", a.File, a.owner, b.owner, a.Start)
		}
	}
}

// An ownedEdit is an edit with whom it belongs to.
type ownedEdit struct {
	Edit
	owner  string
	shared bool
	create bool
}

// owned returns the edits of the chosen sites and the shared edits that at least one
// of them needs, in the order in which they apply, each once. Shared insertions at
// one place (imports) come in the order of their text.
func (p *Plan) owned(chosen func(*Site) bool) []ownedEdit {
	var all []ownedEdit
	ids := map[string]bool{}
	for _, s := range p.Sites {
		if !chosen(s) {
			continue
		}
		ids[s.ID] = true
		for _, e := range s.Edits {
			all = append(all, ownedEdit{Edit: e, owner: "site " + s.ID})
		}
	}
	for i, e := range p.Shared {
		if slices.ContainsFunc(e.Sites, func(id string) bool { return ids[id] }) {
			all = append(all, ownedEdit{Edit: e.Edit, owner: fmt.Sprintf("shared[%d]", i), shared: true, create: e.Create})
		}
	}
	slices.SortStableFunc(all, func(a, b ownedEdit) int { return compareEdits(a.Edit, b.Edit) })
	return slices.CompactFunc(all, func(a, b ownedEdit) bool { return a.Edit == b.Edit && a.create == b.create })
}

func compareEdits(a, b Edit) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.New, b.New))
}

// pos checks a position for display. A finding may point outside the module's own
// files only by a path that still reads as a relative one.
func (v *validator) pos(id string, p Pos) {
	if p == (Pos{}) {
		return
	}
	if !validPath(p.File) {
		v.errorf("site %s: the position %q is not a clean relative path inside the module", id, p.File)
	}
	if p.Line < 0 || p.Column < 0 {
		v.errorf("site %s: the position %s is before the file's start", id, p)
	}
}

func (v *validator) steps(id string, steps []Step) {
	for _, s := range steps {
		v.pos(id, s.Pos)
	}
}

// validPath reports whether p is a clean, relative, slash-separated path that stays
// inside the module, on every operating system.
func validPath(p string) bool {
	return p != "" && p != "." && path.Clean(p) == p && !path.IsAbs(p) && filepath.IsLocal(filepath.FromSlash(p)) &&
		!strings.Contains(p, `\`) && !(len(p) > 1 && p[1] == ':') &&
		utf8.ValidString(p) && !strings.ContainsFunc(p, unicode.IsControl)
}

// checkTarget returns why the plan must not write p, or "". Only Go files are ever
// written, and nothing that git or mapmigrate keeps for itself.
func checkTarget(p string) string {
	if !validPath(p) {
		return "is not a clean relative path inside the module"
	}
	for elem := range strings.SplitSeq(p, "/") {
		switch strings.ToLower(elem) {
		case ".git", Folder:
			return "lies in " + elem
		}
	}
	if path.Ext(p) != ".go" {
		return "is not a Go file"
	}
	return ""
}

func validID(id string) bool {
	if id == "" || id[0] == '-' {
		return false
	}
	return !strings.ContainsFunc(id, func(r rune) bool {
		return !(unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-/#:@+", r))
	})
}

func isKebab(s string) bool {
	if s == "" || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func isHash(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

// hashOf returns the SHA-256 of data in hex, the form of every hash in a plan.
func hashOf(data []byte) string {
	h := sha256.Sum256(data)
	return hex.EncodeToString(h[:])
}

// confidences, weakest first.
var confidences = []string{"low", "medium", "high", "confirmed"}

// rank orders confidences; an unknown one ranks 0.
func rank(confidence string) int { return slices.Index(confidences, confidence) + 1 }
