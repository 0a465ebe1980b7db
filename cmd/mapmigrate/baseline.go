// This file defines the baseline: the findings that a project has decided to live with for
// now, so that its CI reports only new ones.
//
// What an entry is about, and why. The two conflicting accesses of a finding, its message and
// its line all change with edits that have nothing to do with it. So an entry names
//
//   - the map, by import path, type and field: it survives every edit but its own renaming;
//   - the kind of mistake. All forms of "used without the guard" are one kind: which of them a
//     finding is called depends on which access was chosen to show it;
//   - where a lock guards the map elsewhere, the functions that miss it. There a new function
//     without the lock is a new mistake, and is reported although the map has an entry. Where
//     no lock guards the map at all, it is the map that is wrong: any further access to it is
//     no news, and the entry has no functions.
//
// So new accesses, moved lines, other functions' names and a finding that changes its
// confidence leave an entry valid. What a race log confirms is reported in any case.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
)

// baselineVersion is the version of the file's format.
const baselineVersion = 1

// A baseline is the content of a baseline file, sorted.
type baseline struct {
	FormatVersion int             `json:"format_version"`
	Module        string          `json:"module"`
	Findings      []baselineEntry `json:"findings"`

	file string
}

// A baselineEntry accepts the findings of one kind about one map.
type baselineEntry struct {
	Map       string   `json:"map"`                 // detect.Map.Key
	Kind      string   `json:"kind"`                // see kindOf
	Functions []string `json:"functions,omitempty"` // those without the guard; none: the map as a whole
}

// kindOf returns what a baseline tells categories apart by: all that are about the lock are
// one kind, each other is its own.
func kindOf(c detect.Category) string {
	switch c {
	case detect.Unguarded, detect.Partial, detect.WrongLock, detect.Iteration, detect.Replaced, detect.ReadLockWrite, detect.EscapeCat, detect.InnerCat:
		return "lock"
	}
	return string(c)
}

// readBaseline reads a baseline file. mayMiss: one that is not there is empty.
func readBaseline(file string, mayMiss bool) (*baseline, error) {
	b := &baseline{FormatVersion: baselineVersion, file: file}
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && mayMiss:
		return b, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("there is no baseline %s: make it with --baseline=%s --update-baseline", file, file)
	case err != nil:
		return nil, fmt.Errorf("cannot read --baseline: %w", err)
	}
	// The version comes first and alone: another one may have any other fields.
	var head struct {
		FormatVersion *int `json:"format_version"`
	}
	if err := json.Unmarshal(data, &head); err != nil || head.FormatVersion == nil {
		return nil, usagef("%s is no baseline of mapmigrate%s", file, jsonReason(err))
	}
	if *head.FormatVersion != baselineVersion {
		return nil, usagef("the baseline %s has format version %d; this mapmigrate reads %d", file, *head.FormatVersion, baselineVersion)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(b); err != nil {
		return nil, usagef("%s is no baseline of mapmigrate%s", file, jsonReason(err))
	}
	for i, e := range b.Findings {
		if e.Map == "" || e.Kind == "" {
			return nil, usagef("the baseline %s: entry %d has no map, or no kind", file, i+1)
		}
	}
	return b, nil
}

func jsonReason(err error) string {
	if err == nil {
		return ": it has no format_version"
	}
	return ": " + strings.TrimPrefix(err.Error(), "json: ")
}

// openBaseline reads the file that --baseline names, before anything else is done.
func (f *planFlags) openBaseline() (err error) {
	switch {
	case f.baseline != "":
		f.accepted, err = readBaseline(f.baseline, f.updateBaseline)
	case f.updateBaseline:
		err = usagef("--update-baseline needs --baseline=FILE")
	}
	return err
}

// write replaces the file. The bytes depend on the entries only.
func (b *baseline) write() error {
	b.sort()
	if b.Findings == nil {
		b.Findings = []baselineEntry{}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(b); err != nil {
		return ours("encoding the baseline", err)
	}
	if err := os.WriteFile(b.file, buf.Bytes(), 0o666); err != nil {
		return fmt.Errorf("cannot write --baseline: %w", err)
	}
	return nil
}

func (b *baseline) sort() {
	slices.SortFunc(b.Findings, func(x, y baselineEntry) int {
		if c := strings.Compare(x.Map, y.Map); c != 0 {
			return c
		}
		return strings.Compare(x.Kind, y.Kind)
	})
}

// covers reports whether an entry accepts a finding of map m whose odd access is in fn.
func (b *baseline) covers(m *detect.Map, f detect.Finding) bool {
	if f.Confidence == detect.Confirmed {
		return false
	}
	return slices.ContainsFunc(b.Findings, func(e baselineEntry) bool {
		return e.Map == m.Key && e.Kind == kindOf(f.Category) &&
			(len(e.Functions) == 0 || slices.Contains(e.Functions, oddFunc(f)))
	})
}

// oddFunc is the function of a finding's odd access, "" when it shows none.
func oddFunc(f detect.Finding) string {
	if len(f.Accesses) == 0 {
		return ""
	}
	return detect.EnclosingFunc(f.Accesses[0].Func)
}

// entries are what would accept all findings of a map that are at least so sure.
func entries(m *detect.Map, least detect.Confidence) []baselineEntry {
	at := map[string]int{} // kind → index
	var out []baselineEntry
	add := func(f detect.Finding) {
		if f.Category.Quiet() || f.Confidence.Rank() < least.Rank() || f.Confidence == detect.Confirmed {
			return
		}
		kind := kindOf(f.Category)
		i, ok := at[kind]
		if !ok {
			i = len(out)
			at[kind] = i
			out = append(out, baselineEntry{Map: m.Key, Kind: kind})
			if kind == "lock" && f.Category != detect.Unguarded {
				out[i].Functions = []string{oddFunc(f)}
			}
			return
		}
		// Have: the finding that made the entry was the surest. An entry for the map as a
		// whole stays that.
		if fn := oddFunc(f); len(out[i].Functions) > 0 && !slices.Contains(out[i].Functions, fn) {
			out[i].Functions = append(out[i].Functions, fn)
		}
	}
	for _, f := range m.Findings {
		add(f)
	}
	for _, o := range m.Odd {
		add(o.Finding)
	}
	for i := range out {
		slices.Sort(out[i].Functions)
	}
	return out
}

// A screen decides which findings of a run are reported.
type screen struct {
	f      *planFlags
	prog   *detect.Program
	old    *baseline // nil: none is used
	looked map[string]bool

	suppressed []plans.Suppressed
	warnings   []plans.Warning
	baselined  map[*detect.Map]bool // all that would be reported is in the baseline
}

// screen sorts the findings of the maps that were asked for into those to report and those
// that a directive or the baseline accepts, after updating the baseline if asked. Where a
// map has a new finding, and another one was chosen to stand for both, it gets the new one.
func (e *env) screen(prog *detect.Program, found *detect.Result, f *planFlags, b *builder) (*screen, error) {
	s := &screen{f: f, prog: prog, old: f.accepted, looked: lookedAt(prog, found), baselined: map[*detect.Map]bool{}}
	if f.updateBaseline {
		if err := s.update(found.Maps, e.stderr); err != nil {
			return nil, err
		}
	}
	for _, m := range found.Maps {
		if s.looks(m) {
			s.directives(m, b)
		}
		s.baseline(m, b)
	}
	if s.old != nil {
		s.stale(found.Maps)
	}
	s.problems(found.Problems, b)
	return s, nil
}

// lookedAt returns the packages that were asked for and could be analysed.
func lookedAt(prog *detect.Program, found *detect.Result) map[string]bool {
	looked := map[string]bool{}
	for _, p := range prog.Packages {
		if p.Matched && !slices.Contains(found.Skipped, p.Path) {
			looked[p.Path] = true
		}
	}
	return looked
}

// looks reports whether the findings of a map are this run's business.
func (s *screen) looks(m *detect.Map) bool {
	return s.looked[m.Package] && !s.f.ignores(s.prog.Dir, m.Pos.Filename) && (s.f.tests || !strings.HasSuffix(m.Pos.Filename, "_test.go"))
}

func (s *screen) loud(f detect.Finding) bool {
	return !f.Category.Quiet() && f.Confidence.Rank() >= detect.Confidence(s.f.minConfidence).Rank()
}

// suppress records a finding that is not reported.
func (s *screen) suppress(m *detect.Map, f detect.Finding, b *builder, by, reason string) *plans.Suppressed {
	at := m.Pos
	if len(f.Accesses) > 0 {
		at = f.Accesses[0].Pos
	}
	s.suppressed = append(s.suppressed, plans.Suppressed{
		By: by, Reason: reason, Site: hashKey(m.Key)[:8], Name: m.Name, Package: m.Package, Category: string(f.Category),
		Confidence: string(f.Confidence), Message: f.Message, At: b.pos(at),
	})
	return &s.suppressed[len(s.suppressed)-1]
}

// directives records what comments in the source accept.
func (s *screen) directives(m *detect.Map, b *builder) {
	for _, f := range m.Suppressed {
		if s.loud(f.Finding) {
			s.suppress(m, f.Finding, b, plans.ByDirective, f.Reason).Pos = b.pos(f.Pos)
		}
	}
}

// baseline records what the baseline accepts of a map. It asks about the maps of all packages:
// those that were asked for may race on another's.
func (s *screen) baseline(m *detect.Map, b *builder) {
	if s.old == nil {
		return
	}
	fresh := 0
	var old []detect.Finding
	for _, f := range m.Findings {
		if s.loud(f) && s.old.covers(m, f) {
			old = append(old, f)
		} else if s.loud(f) {
			fresh++
		}
	}
	for _, o := range m.Odd {
		if s.loud(o.Finding) && !s.old.covers(m, o.Finding) && !shows(m.Findings, o.Finding) {
			m.Findings = append(m.Findings, o.Finding)
			fresh++
		}
	}
	for _, f := range old {
		if s.looks(m) {
			s.suppress(m, f, b, plans.ByBaseline, s.old.file)
		}
	}
	s.baselined[m] = fresh == 0 && len(old) > 0
}

// shows reports whether findings say of the same function that it misses the lock.
func shows(all []detect.Finding, f detect.Finding) bool {
	return slices.ContainsFunc(all, func(g detect.Finding) bool {
		return !g.Category.Quiet() && kindOf(g.Category) == kindOf(f.Category) && oddFunc(g) == oddFunc(f)
	})
}

// update makes the baseline accept exactly what is found. Entries about packages that this
// run did not look at stay, unless the package is gone.
func (s *screen) update(maps []*detect.Map, w io.Writer) error {
	was := s.old.Findings
	now := []baselineEntry{}
	for _, e := range was {
		if !s.judged(e) {
			now = append(now, e)
		}
	}
	for _, m := range maps {
		if s.looks(m) {
			now = append(now, entries(m, detect.Confidence(s.f.minConfidence))...)
		}
	}
	count := func(in, other []baselineEntry) (n int) {
		for _, e := range in {
			if !slices.ContainsFunc(other, func(o baselineEntry) bool {
				return o.Map == e.Map && o.Kind == e.Kind && slices.Equal(o.Functions, e.Functions)
			}) {
				n++
			}
		}
		return n
	}
	added, removed := count(now, was), count(was, now)
	s.old.Findings, s.old.Module = now, s.prog.Module
	if err := s.old.write(); err != nil {
		return err
	}
	fmt.Fprintf(w, "mapmigrate: %s: %s, %d added, %d removed\n", s.old.file, entryCount(len(now)), added, removed)
	return nil
}

func entryCount(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// judged reports whether this run can tell if an entry still holds: it looked at the package
// of the map, or the package is no longer there.
func (s *screen) judged(e baselineEntry) bool {
	in := ""
	for _, p := range s.prog.Packages {
		if strings.HasPrefix(e.Map, p.Path+".") && len(p.Path) > len(in) {
			in = p.Path
		}
	}
	return in == "" || s.looked[in]
}

// stale warns of entries that accept nothing any more.
func (s *screen) stale(maps []*detect.Map) {
	byKey := map[string]*detect.Map{}
	for _, m := range maps {
		if s.looks(m) {
			byKey[m.Key] = m
		}
	}
	file := filepath.ToSlash(s.old.file)
	warn := func(format string, args ...any) {
		s.warnings = append(s.warnings, plans.Warning{Code: staleBaseline, Message: file + ": " + fmt.Sprintf(format, args...) + "; --update-baseline removes it"})
	}
	for _, e := range s.old.Findings {
		if !s.judged(e) {
			continue
		}
		// Whatever the confidence: an entry does not come and go with that.
		var now []baselineEntry
		if m := byKey[e.Map]; m != nil {
			now = entries(m, detect.Low)
		}
		i := slices.IndexFunc(now, func(n baselineEntry) bool { return n.Kind == e.Kind })
		if i < 0 {
			warn("nothing of the kind %q is found about %s any more", e.Kind, e.Map)
			continue
		}
		for _, fn := range e.Functions {
			if len(now[i].Functions) > 0 && !slices.Contains(now[i].Functions, fn) {
				warn("nothing of the kind %q is found about %s in %s any more", e.Kind, e.Map, fn)
			}
		}
	}
}

// problems turns directives without an effect into warnings, where this run looked.
func (s *screen) problems(all []detect.Problem, b *builder) {
	for _, p := range all {
		if s.looked[p.Package] && !s.f.ignores(s.prog.Dir, p.Pos.Filename) {
			s.warnings = append(s.warnings, plans.Warning{Code: p.Code, Message: p.Message, Pos: b.pos(p.Pos)})
		}
	}
}

// staleBaseline is the code of the warning about entries that accept nothing.
const staleBaseline = "stale-baseline"

// staleBaselineDoc explains it.
var staleBaselineDoc = detect.Doc{Code: staleBaseline, Title: "an entry of the baseline accepts nothing any more", Text: `The map has no finding of that kind any more, or the function that missed the lock takes it
now. The entry would hide the same mistake if somebody made it again.

What to do: run mapmigrate plan --baseline=FILE --update-baseline.
`}
