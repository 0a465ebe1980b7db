// This file defines apply and undo, the two commands that change source files.

package plans

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// ApplyOptions says how Apply goes about it.
type ApplyOptions struct {
	// Check is called with the new contents of every file that would be written,
	// and nothing is written if it returns an error. nil checks nothing.
	Check func(overlay map[string][]byte) error
	// AllowDirty writes over uncommitted changes of tracked files.
	AllowDirty bool
}

// An ApplyResult counts truly: what is on disk, and what was left out and why.
type ApplyResult struct {
	Written int      // files
	Files   []string // written, sorted
	Applied []string // sites that are applied now and were not before
	Skipped []string // sites that could be applied and were not asked for
	Refused []string // sites that cannot be applied
}

// A DirtyError says that tracked files that would be written have uncommitted changes.
type DirtyError struct {
	Files []string
}

func (e *DirtyError) Error() string {
	return fmt.Sprintf("uncommitted changes in %s: commit or stash them, or use --allow-dirty", strings.Join(e.Files, ", "))
}

// Apply applies the approved sites ids, or every approved site if ids is nil, to the
// module at dir. On top of what was applied before it writes exactly what Compose
// returns and opts.Check accepts, all of it or nothing, and leaves a record for Undo.
// The sites become Applied in p and in the saved plan.json.
func Apply(dir string, p *Plan, ids []string, opts ApplyOptions) (*ApplyResult, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	d, err := openDisk(dir)
	if err != nil {
		return nil, err
	}
	defer d.close()
	if rec, err := d.recover(); err != nil {
		return nil, err
	} else if rec.Outcome != Nothing {
		return nil, fmt.Errorf("an interrupted %s is %s now, and the plan may be another: run the command again", rec.Kind, rec.Outcome)
	}

	chosen, err := p.toApply(ids)
	if err != nil {
		return nil, err
	}
	res := p.result(chosen)
	if len(chosen) == 0 {
		return res, nil
	}
	out, err := d.compose(p, chosen)
	if err != nil {
		return nil, err
	}
	r, err := d.changes(out)
	if err != nil {
		return nil, err
	}
	if len(r.Files) > 0 {
		if !opts.AllowDirty {
			if err := d.checkClean(r); err != nil {
				return nil, err
			}
		}
		if opts.Check != nil {
			overlay := map[string][]byte{}
			for f, text := range out {
				overlay[f] = bytes.Clone(text)
			}
			if err := opts.Check(overlay); err != nil {
				return nil, err
			}
		}
	}
	if err := d.apply(p, chosen, r); err != nil {
		return nil, err
	}
	for _, id := range chosen {
		p.Site(id).Status = Applied
	}
	p.recountStatus()
	for _, f := range r.Files {
		res.Files = append(res.Files, f.Path)
	}
	res.Written = len(res.Files)
	return res, nil
}

// toApply returns the ids among ids that are still to be applied, sorted.
func (p *Plan) toApply(ids []string) ([]string, error) {
	if ids == nil {
		for _, s := range p.Sites {
			if s.Status == Approved {
				ids = append(ids, s.ID)
			}
		}
	}
	if _, err := p.choose(ids); err != nil {
		return nil, err
	}
	var chosen []string
	for _, id := range ids {
		switch s := p.Site(id); s.Status {
		case Applied:
		case Approved:
			chosen = append(chosen, id)
		default:
			return nil, usagef("site %s (%s) is %s, not approved", id, s.Name, s.Status)
		}
	}
	slices.Sort(chosen)
	return slices.Compact(chosen), nil
}

func (p *Plan) result(chosen []string) *ApplyResult {
	res := &ApplyResult{Applied: chosen}
	for _, s := range p.Sites {
		switch {
		case s.Status == Refused:
			res.Refused = append(res.Refused, s.ID)
		case s.Status != Applied && !slices.Contains(chosen, s.ID):
			res.Skipped = append(res.Skipped, s.ID)
		}
	}
	return res
}

// changes returns the record that makes the files what out says, without the files
// that are so already.
func (d *disk) changes(out map[string][]byte) (*record, error) {
	r := &record{Kind: "apply"}
	through := map[string]string{}
	for _, f := range slices.Sorted(maps.Keys(out)) {
		real, err := d.resolve(f)
		if err != nil {
			return nil, err
		}
		if o, ok := through[real]; ok {
			return nil, fmt.Errorf("%s and %s are the same file", o, f)
		}
		through[real] = f
		now, ok, err := d.read(real)
		if err != nil {
			return nil, err
		}
		if ok && bytes.Equal(now, out[f]) {
			continue
		}
		var mode fs.FileMode
		if ok {
			info, err := d.root.Lstat(filepath.FromSlash(real))
			if err != nil {
				return nil, err
			}
			if !info.Mode().IsRegular() {
				return nil, fmt.Errorf("%s is not a regular file", f)
			}
			mode = info.Mode().Perm()
		}
		for _, p := range d.missingDirs(real) {
			if !slices.Contains(r.Dirs, p) {
				r.Dirs = append(r.Dirs, p)
			}
		}
		r.add(real, mode, now, out[f])
	}
	return r, nil
}

// apply carries out the record and the plan's change of status as one step.
func (d *disk) apply(p *Plan, chosen []string, r *record) error {
	after := *p
	after.Sites = slices.Clone(p.Sites)
	for i, s := range after.Sites {
		if slices.Contains(chosen, s.ID) {
			c := *s
			c.Status = Applied
			after.Sites[i] = &c
		}
	}
	after.recountStatus()
	data, err := marshal(&after)
	if err != nil {
		return err
	}
	if len(r.Files) == 0 {
		if err := d.makeFolder(); err != nil {
			return err
		}
		return d.write(planFile, data, 0o666)
	}
	before, _, err := d.read(planFile)
	if err != nil {
		return err
	}
	r.setPlan(before, data)
	r.Sites = chosen
	if err := d.makeFolder(); err != nil {
		return err
	}
	unlock, err := d.lock()
	if err != nil {
		return err
	}
	defer unlock()
	// The check may have taken a while: someone may have saved a file meanwhile.
	if err := d.unchanged(r); err != nil {
		return err
	}
	return d.run(r)
}

// unchanged makes sure that the files are still the old ones of the record.
func (d *disk) unchanged(r *record) error {
	var stale []StaleFile
	for _, f := range r.Files {
		switch hash, err := d.hash(f.Path); {
		case err != nil:
			return err
		case hash == f.Old:
		case hash == "":
			stale = append(stale, StaleFile{f.Path, missing})
		case f.Old == "":
			stale = append(stale, StaleFile{f.Path, appeared})
		default:
			stale = append(stale, StaleFile{f.Path, changed})
		}
	}
	if len(stale) > 0 {
		return &StaleError{Files: stale}
	}
	return nil
}

// run carries out a record: all of it, or, with an error, nothing.
func (d *disk) run(r *record) error {
	if err := d.commit(r); err != nil {
		return errors.Join(err, d.removeTree(stagingDir))
	}
	_, err := d.finish(r)
	return err
}

// compose is Compose of ids on top of the sites that are applied already: their
// files are not the plan's baseline any more, but the undo records lead back to it.
// Only files that differ from the disk are returned.
func (d *disk) compose(p *Plan, ids []string) (map[string][]byte, error) {
	if err := p.Validate(); err != nil {
		return nil, err
	}
	chosen, err := p.choose(ids)
	if err != nil {
		return nil, err
	}
	applied := map[string]bool{}
	for _, s := range p.Sites {
		if s.Status == Applied && !chosen[s.ID] {
			applied[s.ID] = true
		}
	}
	var out map[string][]byte
	if len(applied) == 0 {
		out, err = p.Compose(d.fs(), ids)
	} else {
		out, err = d.composeOn(p, applied, chosen)
	}
	if err != nil {
		return nil, err
	}
	for f, text := range out {
		now, ok, err := d.read(f)
		if err != nil {
			return nil, err
		}
		if ok && bytes.Equal(now, text) {
			delete(out, f)
		}
	}
	return out, nil
}

// composeOn returns the files of the sites chosen with the sites applied in them. A
// file that is not exactly what the applied sites made of it is stale.
func (d *disk) composeOn(p *Plan, applied, chosen map[string]bool) (map[string][]byte, error) {
	files := map[string]bool{}
	for _, e := range p.owned(func(s *Site) bool { return chosen[s.ID] }) {
		files[e.File] = true
	}
	wanted := func(f string) bool { return files[f] }
	past, err := d.past(p)
	if err != nil {
		return nil, err
	}
	now, err := p.compose(past, applied, wanted)
	if err != nil {
		return nil, err
	}
	var stale []StaleFile
	for _, f := range slices.Sorted(maps.Keys(now)) {
		if data, ok, err := d.read(f); err != nil {
			return nil, err
		} else if !ok {
			stale = append(stale, StaleFile{f, missing})
		} else if !bytes.Equal(data, now[f]) {
			stale = append(stale, StaleFile{f, changed})
		}
	}
	if len(stale) > 0 {
		return nil, p.staleError(past, stale)
	}
	both := maps.Clone(applied)
	maps.Copy(both, chosen)
	return p.compose(past, both, wanted)
}

// past returns the module's files as they were when the plan was made, as far as the
// undo records lead there: back step by step, each from exactly the bytes that an
// apply left. Any other file stays as it is.
func (d *disk) past(p *Plan) (fs.FS, error) {
	back := pastFS{FS: d.fs(), old: map[string][]byte{}}
	var records []*record
	for _, name := range slices.Backward(d.undoRecords()) {
		r, err := d.load(undoDir + "/" + name)
		if err != nil {
			return nil, err
		}
		records = append(records, r)
	}
	want := p.baselines()
	for _, e := range p.Shared {
		if e.Create {
			want[e.File] = ""
		}
	}
	for f, hash := range want {
		data, _, err := d.read(f)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			if hashOrNone(data) == hash {
				break
			}
			i := slices.IndexFunc(r.Files, func(rf recordFile) bool { return rf.Path == f })
			if i >= 0 && r.Files[i].New == hashOrNone(data) {
				data = r.oldData[i]
			}
		}
		if hashOrNone(data) == hash {
			back.old[f] = data
		}
	}
	return back, nil
}

// A pastFS is a file system in which some files are as they once were; nil bytes
// stand for a file that did not exist.
type pastFS struct {
	fs.FS
	old map[string][]byte
}

// ReadFile implements fs.ReadFileFS, which is all that Compose uses.
func (f pastFS) ReadFile(name string) ([]byte, error) {
	data, ok := f.old[name]
	switch {
	case !ok:
		return fs.ReadFile(f.FS, name)
	case data == nil:
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return bytes.Clone(data), nil
}

// An UndoResult says what Undo took back.
type UndoResult struct {
	Files   []string // that are as they were before, sorted
	Removed []string // those of them that apply had created
	Sites   []string // that are approved again
}

// ErrNothingToUndo is the result of Undo without an apply to take back.
var ErrNothingToUndo = errors.New("nothing to undo: no apply is on record here")

// A ChangedError says that files were changed after they were applied, so that
// undoing would lose those changes.
type ChangedError struct {
	Files []string
}

func (e *ChangedError) Error() string {
	return fmt.Sprintf("%s changed since apply: undo would lose that; nothing is undone", strings.Join(e.Files, ", "))
}

// Undo takes back the last Apply at dir: every file gets its old bytes, created files
// and the directories created for them go, and the sites in the saved plan are
// approved again.
func Undo(dir string) (*UndoResult, error) {
	d, err := openDisk(dir)
	if err != nil {
		return nil, err
	}
	defer d.close()
	if _, err := d.recover(); err != nil {
		return nil, err
	}
	names := d.undoRecords()
	if len(names) == 0 {
		return nil, ErrNothingToUndo
	}
	unlock, err := d.lock()
	if err != nil {
		return nil, err
	}
	defer unlock()
	last := names[len(names)-1]
	done, err := d.load(undoDir + "/" + last)
	if err != nil {
		return nil, err
	}
	r := &record{Kind: "undo", Undoes: last, Sites: done.Sites, Dirs: done.Dirs}
	res := &UndoResult{Sites: done.Sites}
	var touched []string
	for i, f := range done.Files {
		if hash, err := d.hash(f.Path); err != nil {
			return nil, err
		} else if hash != f.New {
			touched = append(touched, f.Path)
		}
		r.add(f.Path, f.Mode, done.newData[i], done.oldData[i])
		res.Files = append(res.Files, f.Path)
		if f.Old == "" {
			res.Removed = append(res.Removed, f.Path)
		}
	}
	if len(touched) > 0 {
		return nil, &ChangedError{touched}
	}
	before, after, err := d.planAfterUndo(done.Sites)
	if err != nil {
		return nil, err
	}
	r.setPlan(before, after)
	return res, d.run(r)
}

// planAfterUndo returns plan.json as it is and with the applied sites among ids
// approved again. A plan that cannot be read is left alone: undo must not depend on it.
func (d *disk) planAfterUndo(ids []string) (before, after []byte, err error) {
	before, ok, err := d.read(planFile)
	if err != nil || !ok {
		return nil, nil, err
	}
	p, err := Decode(bytes.NewReader(before))
	if err != nil {
		return before, before, nil
	}
	for _, s := range p.Sites {
		if s.Status == Applied && slices.Contains(ids, s.ID) {
			s.Status = Approved
		}
	}
	p.recountStatus()
	after, err = marshal(p)
	return before, after, err
}
