// This file defines how chosen sites become file contents.

package plans

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
)

// A UsageError says that what was asked for does not go with this plan, and what to
// ask for instead.
type UsageError struct {
	Message string
	Missing []string // ids of the couples that have to be chosen too, if that is the reason
}

func (e *UsageError) Error() string { return e.Message }

func usagef(format string, args ...any) error {
	return &UsageError{Message: fmt.Sprintf(format, args...)}
}

// A StaleError says that files are no longer what the plan was computed from.
type StaleError struct {
	Files     []StaleFile
	Survivors []string // ids of sites none of whose files changed: they can still be applied
	Lost      []string // ids of sites that have to be planned again
}

// A StaleFile is a file that changed since the plan was made.
type StaleFile struct {
	Path   string
	Reason string // "changed", "missing" or "appeared"
}

func (e *StaleError) Error() string {
	var b strings.Builder
	b.WriteString("the plan is out of date:")
	for i, f := range e.Files {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s %s", f.Path, f.Reason)
	}
	b.WriteString(" since it was made: run `mapmigrate plan` again")
	if len(e.Survivors) > 0 {
		fmt.Fprintf(&b, ", or apply only what is not affected: %s", strings.Join(e.Survivors, ","))
	}
	return b.String()
}

// Site returns the site with the id, or nil.
func (p *Plan) Site(id string) *Site {
	for _, s := range p.Sites {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// Unit returns the ids of the sites that are approved and applied together with id,
// itself included, sorted: the closure of CoupledWith.
func (p *Plan) Unit(id string) []string {
	seen := map[string]bool{}
	byID := p.byID()
	var visit func(string)
	visit = func(id string) {
		s := byID[id]
		if s == nil || seen[id] {
			return
		}
		seen[id] = true
		for _, c := range s.CoupledWith {
			visit(c)
		}
	}
	visit(id)
	return slices.Sorted(maps.Keys(seen))
}

func (p *Plan) byID() map[string]*Site {
	m := make(map[string]*Site, len(p.Sites))
	for _, s := range p.Sites {
		m[s.ID] = s
	}
	return m
}

// Compose returns the contents of every file that applying exactly the sites ids
// changes or creates: their edits, and each shared edit that at least one of them
// needs, on the baseline files in fsys (the module's root). It writes nothing.
//
// A site without one of its couples is a *UsageError, a baseline that is not what
// the plan was computed from a *StaleError.
func (p *Plan) Compose(fsys fs.FS, ids []string) (map[string][]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	chosen, err := p.choose(ids)
	if err != nil {
		return nil, err
	}
	out, err := p.compose(fsys, chosen, func(string) bool { return true })
	if err != nil {
		return nil, err
	}
	return out, p.checkAfter(chosen, out)
}

// compose is Compose of checked sites, for the files that are wanted.
func (p *Plan) compose(fsys fs.FS, chosen map[string]bool, wanted func(file string) bool) (map[string][]byte, error) {
	out := map[string][]byte{}
	var stale []StaleFile
	before := p.baselines()
	edits := p.owned(func(s *Site) bool { return chosen[s.ID] })
	for len(edits) > 0 {
		file, n := edits[0].File, 1
		for n < len(edits) && edits[n].File == file {
			n++
		}
		if !wanted(file) {
			edits = edits[n:]
			continue
		}
		base, reason, err := readBaseline(fsys, file, before[file], edits[0].create)
		if err != nil {
			return nil, err
		}
		text, err := splice(base, edits[:n])
		switch {
		case reason == appeared:
			// A file that would be created may be there already, as it would be.
			data, err := fs.ReadFile(fsys, file)
			if err != nil {
				return nil, err
			}
			if string(data) != string(text) {
				stale = append(stale, StaleFile{file, reason})
			}
		case reason != "":
			stale = append(stale, StaleFile{file, reason})
		case err != nil:
			return nil, err
		}
		out[file] = text
		edits = edits[n:]
	}
	if len(stale) > 0 {
		return nil, p.staleError(fsys, stale)
	}
	return out, nil
}

// choose returns the set of ids, after checking that they can be applied together.
func (p *Plan) choose(ids []string) (map[string]bool, error) {
	chosen := map[string]bool{}
	byID := p.byID()
	for _, id := range ids {
		s := byID[id]
		switch {
		case s == nil:
			return nil, usagef("the plan has no site %q%s", id, p.nearest(id))
		case s.Status == Refused:
			return nil, usagef("site %s (%s) is refused: %s: %s", id, s.Name, s.Refusals[0].Code, s.Refusals[0].Message)
		}
		chosen[id] = true
	}
	missing := map[string]bool{}
	var of []string
	for _, id := range slices.Sorted(maps.Keys(chosen)) {
		for _, c := range p.Unit(id) {
			if !chosen[c] {
				missing[c] = true
				of = append(of, id)
			}
		}
	}
	if len(missing) > 0 {
		m := slices.Sorted(maps.Keys(missing))
		return nil, &UsageError{
			Message: fmt.Sprintf("%s can only be applied together with %s", strings.Join(slices.Compact(of), ","), strings.Join(m, ",")),
			Missing: m,
		}
	}
	return chosen, nil
}

// baselines returns the hash that each existing file was planned from.
func (p *Plan) baselines() map[string]string {
	m := map[string]string{}
	for _, s := range p.Sites {
		for _, f := range s.Files {
			m[f.Path] = f.BeforeSHA256
		}
	}
	return m
}

// Why a file is stale.
const (
	changed  = "changed"
	missing  = "missing"
	appeared = "appeared"
)

// readBaseline returns the bytes that edits of a file refer to, and why the file is
// stale, or "".
func readBaseline(fsys fs.FS, file, want string, create bool) (data []byte, reason string, err error) {
	data, err = fs.ReadFile(fsys, file)
	gone := errors.Is(err, fs.ErrNotExist)
	switch {
	case err != nil && !gone:
		return nil, "", fmt.Errorf("reading the baseline of %s: %w", file, err)
	case create || want == "":
		if !gone {
			reason = appeared
		}
		return nil, reason, nil
	case gone:
		return nil, missing, nil
	case hashOf(data) != want:
		return data, changed, nil
	}
	return data, "", nil
}

// splice applies sorted edits of one file to its baseline.
func splice(base []byte, edits []ownedEdit) ([]byte, error) {
	out := make([]byte, 0, len(base))
	at := 0
	for _, e := range edits {
		if e.Start < at || e.End > len(base) {
			return nil, fmt.Errorf("%s: edit [%d, %d) of %s lies outside the file", e.File, e.Start, e.End, e.owner)
		}
		if hashOf(base[e.Start:e.End]) != e.OldSHA256 {
			return nil, fmt.Errorf("%s: edit [%d, %d) of %s does not replace the bytes it was computed from: run `mapmigrate plan` again", e.File, e.Start, e.End, e.owner)
		}
		out = append(out, base[at:e.Start]...)
		out = append(out, e.New...)
		at = e.End
	}
	return append(out, base[at:]...), nil
}

// checkAfter compares the result of composing one unit alone with the hashes that
// the plan promises for it.
func (p *Plan) checkAfter(chosen map[string]bool, out map[string][]byte) error {
	for id := range chosen {
		if len(p.Unit(id)) != len(chosen) {
			return nil // Several units: no hash of their sum is recorded.
		}
		break
	}
	for _, s := range p.Sites {
		if !chosen[s.ID] {
			continue
		}
		for _, f := range s.Files {
			if text, ok := out[f.Path]; ok && hashOf(text) != f.AfterSHA256 {
				return fmt.Errorf("%s: applying site %s does not give the file that the plan promises (after_sha256): run `mapmigrate plan` again", f.Path, s.ID)
			}
		}
	}
	return nil
}

// staleError completes what Compose found with what else changed, so that one run
// shows which sites survive.
func (p *Plan) staleError(fsys fs.FS, found []StaleFile) error {
	reasons := map[string]string{}
	for _, f := range found {
		reasons[f.Path] = f.Reason
	}
	creates := map[string]Edit{}
	of := map[string][]string{} // site id -> files it needs
	for _, e := range p.Shared {
		if e.Create {
			creates[e.File] = e.Edit
		}
		for _, id := range e.Sites {
			of[id] = append(of[id], e.File)
		}
	}
	after := map[string][]string{}
	for _, s := range p.Sites {
		for _, f := range s.Files {
			of[s.ID] = append(of[s.ID], f.Path)
			after[f.Path] = append(after[f.Path], f.AfterSHA256)
		}
	}
	before := p.baselines()
	checked := map[string]bool{}
	for _, files := range of {
		for _, f := range files {
			if checked[f] || reasons[f] != "" {
				continue
			}
			checked[f] = true
			e, create := creates[f]
			_, reason, err := readBaseline(fsys, f, before[f], create)
			if err != nil {
				reason = changed // unreadable now, and was not then
			}
			if reason == appeared {
				data, _ := fs.ReadFile(fsys, f)
				if create && string(data) == e.New || slices.Contains(after[f], hashOf(data)) {
					reason = ""
				}
			}
			if reason != "" {
				reasons[f] = reason
			}
		}
	}
	e := &StaleError{}
	for _, f := range slices.Sorted(maps.Keys(reasons)) {
		e.Files = append(e.Files, StaleFile{f, reasons[f]})
	}
	for _, s := range p.Sites {
		if s.Status == Refused || s.Status == Applied {
			continue
		}
		lost := false
		for _, id := range p.Unit(s.ID) {
			lost = lost || slices.ContainsFunc(of[id], func(f string) bool { return reasons[f] != "" })
		}
		if lost {
			e.Lost = append(e.Lost, s.ID)
		} else {
			e.Survivors = append(e.Survivors, s.ID)
		}
	}
	return e
}
