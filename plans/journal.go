// This file defines the journal, which makes a change of many files one step.

package plans

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	journalDir = Folder + "/journal"     // a change that is decided and may be half done
	stagingDir = Folder + "/journal.new" // one that is not decided: its presence means nothing
	trashDir   = Folder + "/trash"       // what is being deleted
	undoDir    = Folder + "/undo"        // finished applies, 0001, 0002, …
)

// A record is a change of files with all it takes to do it, and to take it back. It
// is a directory with record.json, the old bytes of file i in i.old, the new ones in
// i.new, and the plan before and after in plan.old and plan.new. The same directory is
// first the journal and then the undo record.
type record struct {
	Version int          `json:"version"`
	Kind    string       `json:"kind"`             // "apply" or "undo"
	Undoes  string       `json:"undoes,omitempty"` // the undo record that an undo consumes
	Sites   []string     `json:"sites"`
	Dirs    []string     `json:"dirs"` // created (apply) or removed when empty (undo), parents first
	Files   []recordFile `json:"files"`
	Plan    recordFile   `json:"plan"` // plan.json, written after the files

	oldData, newData [][]byte
	oldPlan, newPlan []byte
}

// A recordFile is a file before and after; a hash is "" where the file does not exist.
type recordFile struct {
	Path string      `json:"path"`
	Mode fs.FileMode `json:"mode"`
	Old  string      `json:"old"`
	New  string      `json:"new"`
}

const recordVersion = 1

// add puts a file's change on record; nil bytes stand for no file.
func (r *record) add(p string, mode fs.FileMode, before, after []byte) {
	r.Files = append(r.Files, recordFile{p, mode, hashOrNone(before), hashOrNone(after)})
	r.oldData = append(r.oldData, before)
	r.newData = append(r.newData, after)
}

// setPlan puts the change of plan.json on record; nil bytes stand for no plan.
func (r *record) setPlan(before, after []byte) {
	r.Plan = recordFile{Path: planFile, Old: hashOrNone(before), New: hashOrNone(after)}
	r.oldPlan, r.newPlan = before, after
}

// hashOrNone returns the hash of a file's bytes, "" for no file.
func hashOrNone(data []byte) string {
	if data == nil {
		return ""
	}
	return hashOf(data)
}

// commit makes the record the journal. From its last step on, Recover does the rest.
func (d *disk) commit(r *record) error {
	r.Version = recordVersion
	if err := d.makeFolder(); err != nil {
		return err
	}
	if d.exists(journalDir) {
		return errors.New("another change of files was interrupted meanwhile: run the command again")
	}
	if err := d.removeTree(stagingDir); err != nil {
		return err
	}
	if err := d.mkdir(stagingDir); err != nil {
		return err
	}
	blob := func(name string, data []byte) error {
		if data == nil {
			return nil
		}
		return d.create(path.Join(stagingDir, name), data, 0o666)
	}
	for i := range r.Files {
		if err := blob(fmt.Sprintf("%d.old", i), r.oldData[i]); err != nil {
			return err
		}
		if err := blob(fmt.Sprintf("%d.new", i), r.newData[i]); err != nil {
			return err
		}
	}
	if err := blob("plan.old", r.oldPlan); err != nil {
		return err
	}
	if err := blob("plan.new", r.newPlan); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := blob("record.json", append(data, '\n')); err != nil {
		return err
	}
	d.syncDir(stagingDir)
	return d.rename(stagingDir, journalDir)
}

// load reads a record and checks it as a plan is checked: it names files to write.
func (d *disk) load(dir string) (*record, error) {
	fail := func(err error) (*record, error) {
		return nil, fmt.Errorf("%s is damaged: %w", dir, err)
	}
	data, ok, err := d.read(path.Join(dir, "record.json"))
	if err != nil || !ok {
		return fail(errors.Join(err, errors.New("record.json cannot be read")))
	}
	r := new(record)
	if err := json.Unmarshal(data, r); err != nil {
		return fail(err)
	}
	if r.Version != recordVersion {
		return nil, fmt.Errorf("%s was written by another version of mapmigrate (record version %d, this one knows %d)", dir, r.Version, recordVersion)
	}
	blob := func(name, hash string) ([]byte, error) {
		if hash == "" {
			return nil, nil
		}
		data, ok, err := d.read(path.Join(dir, name))
		if err != nil || !ok || hashOf(data) != hash {
			return nil, errors.Join(err, fmt.Errorf("%s is missing or not what was written", name))
		}
		if data == nil {
			data = []byte{} // an empty file is not the same as none
		}
		return data, nil
	}
	for i, f := range r.Files {
		if why := checkTarget(f.Path); why != "" {
			return fail(fmt.Errorf("path %q %s", f.Path, why))
		}
		old, err := blob(fmt.Sprintf("%d.old", i), f.Old)
		if err != nil {
			return fail(err)
		}
		now, err := blob(fmt.Sprintf("%d.new", i), f.New)
		if err != nil {
			return fail(err)
		}
		r.oldData, r.newData = append(r.oldData, old), append(r.newData, now)
	}
	for _, p := range r.Dirs {
		if !validPath(p) {
			return fail(fmt.Errorf("directory %q is not a path inside the module", p))
		}
	}
	if r.oldPlan, err = blob("plan.old", r.Plan.Old); err != nil {
		return fail(err)
	}
	if r.newPlan, err = blob("plan.new", r.Plan.New); err != nil {
		return fail(err)
	}
	r.Plan.Path = planFile
	if r.Undoes != "" && r.Undoes != path.Base(r.Undoes) {
		return fail(fmt.Errorf("%q is not an undo record", r.Undoes))
	}
	return r, nil
}

// A ConflictError says that files are neither what they were before an interrupted
// change nor what they were to become: someone changed them since.
type ConflictError struct {
	Files []string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("a change of files was interrupted, and %s changed since: bring the files back to what they were (with git checkout, say), or delete %s to keep all files as they are now",
		strings.Join(e.Files, ", "), journalDir)
}

// state compares the files with the record. A file that is neither old nor new is a
// conflict, and then nothing may be written.
func (d *disk) state(r *record) error {
	var conflicts []string
	for _, f := range r.Files {
		hash, err := d.hash(f.Path)
		if err != nil {
			return err
		}
		if hash != f.Old && hash != f.New {
			conflicts = append(conflicts, f.Path)
		}
	}
	if len(conflicts) > 0 {
		return &ConflictError{conflicts}
	}
	return nil
}

// hash returns the hash of a file, "" if there is none.
func (d *disk) hash(p string) (string, error) {
	data, ok, err := d.read(p)
	if err != nil || !ok {
		return "", err
	}
	return hashOf(data), nil
}

// forward does what the journal says and is not yet done, and closes the journal. It
// may be interrupted and started again at any step.
func (d *disk) forward(r *record) error {
	if r.Kind == "apply" {
		for _, p := range r.Dirs {
			if err := d.mkdir(p); err != nil {
				return err
			}
		}
	}
	for i, f := range r.Files {
		if err := d.put(f, f.New, r.newData[i]); err != nil {
			return err
		}
	}
	if r.Kind == "undo" {
		d.removeEmpty(r.Dirs)
	}
	if err := d.put(r.Plan, r.Plan.New, r.newPlan); err != nil {
		return err
	}
	if r.Kind == "apply" {
		if err := d.mkdir(undoDir); err != nil {
			return err
		}
		return d.rename(journalDir, path.Join(undoDir, d.nextUndo()))
	}
	if r.Undoes != "" {
		if err := d.discard(path.Join(undoDir, r.Undoes)); err != nil {
			return err
		}
	}
	return d.discard(journalDir)
}

// back restores the old files and drops the journal.
func (d *disk) back(r *record) error {
	if r.Kind == "undo" {
		for _, p := range r.Dirs {
			if err := d.mkdir(p); err != nil {
				return err
			}
		}
	}
	for i, f := range r.Files {
		if err := d.put(f, f.Old, r.oldData[i]); err != nil {
			return err
		}
	}
	if r.Kind == "apply" {
		d.removeEmpty(r.Dirs)
	}
	if err := d.put(r.Plan, r.Plan.Old, r.oldPlan); err != nil {
		return err
	}
	return d.discard(journalDir)
}

// put makes f what hash and data say, unless it is that already.
func (d *disk) put(f recordFile, hash string, data []byte) error {
	now, err := d.hash(f.Path)
	if err != nil {
		return err
	}
	if now == hash {
		return d.remove(tempName(f.Path))
	}
	if data == nil {
		return d.remove(f.Path)
	}
	if now == "" {
		if err := d.mkdir(path.Dir(f.Path)); err != nil {
			return err
		}
	}
	tmp := tempName(f.Path)
	if err := d.remove(tmp); err != nil {
		return err
	}
	err = d.create(tmp, data, 0o666)
	if err == nil && f.Mode != 0 {
		err = d.keepMode(tmp, f.Mode)
	}
	if err == nil {
		err = d.rename(tmp, f.Path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", f.Path, errors.Join(err, d.remove(tmp)))
	}
	return nil
}

// removeEmpty removes those of dirs, innermost first, that are empty. Others hold
// something of the user's, and stay.
func (d *disk) removeEmpty(dirs []string) {
	for _, p := range slices.Backward(dirs) {
		if len(d.names(p)) == 0 {
			_ = d.remove(p)
		}
	}
}

// discard deletes a record so that no half of it is ever seen under its name.
func (d *disk) discard(dir string) error {
	if err := d.removeTree(trashDir); err != nil {
		return err
	}
	if !d.exists(dir) {
		return nil
	}
	if err := d.rename(dir, trashDir); err != nil {
		return err
	}
	// What is left of the trash is in nobody's way, and goes with the next one.
	_ = d.removeTree(trashDir)
	return nil
}

func (d *disk) undoRecords() []string {
	return slices.DeleteFunc(d.names(undoDir), func(name string) bool {
		return strings.Trim(name, "0123456789") != ""
	})
}

func (d *disk) nextUndo() string {
	last := 0
	if names := d.undoRecords(); len(names) > 0 {
		fmt.Sscanf(names[len(names)-1], "%d", &last)
	}
	return fmt.Sprintf("%04d", last+1)
}

// Outcomes of Recover.
const (
	Nothing    = ""            // no change was interrupted
	Completed  = "completed"   // every file is as it was to become
	RolledBack = "rolled back" // every file is as it was
)

// A Recovery says what Recover did.
type Recovery struct {
	Outcome string
	Kind    string   // the interrupted command: "apply" or "undo"
	Files   []string // that it was about
	Sites   []string
}

// Recover finishes an apply or undo at dir that was interrupted. Every command of
// mapmigrate calls it before anything else. The change was decided and checked before
// it began, so it is completed; where that fails it is rolled back; and where a file
// was changed meanwhile nothing is written and a *ConflictError names it.
func Recover(dir string) (Recovery, error) {
	d, err := openDisk(dir)
	if err != nil {
		return Recovery{}, err
	}
	defer d.close()
	return d.recover()
}

func (d *disk) recover() (Recovery, error) {
	if !d.exists(stagingDir) && !d.exists(journalDir) {
		return Recovery{}, nil // and no lock, so that commands that only read may run side by side
	}
	unlock, err := d.lock()
	if err != nil {
		return Recovery{}, err
	}
	defer unlock()
	if d.exists(stagingDir) {
		if err := d.removeTree(stagingDir); err != nil {
			return Recovery{}, err
		}
	}
	if !d.exists(journalDir) {
		return Recovery{}, nil
	}
	r, err := d.load(journalDir)
	if err != nil {
		return Recovery{}, err
	}
	rec := Recovery{Kind: r.Kind, Sites: r.Sites}
	for _, f := range r.Files {
		rec.Files = append(rec.Files, f.Path)
	}
	rec.Outcome, err = d.finish(r)
	return rec, err
}

// finish carries out the journal, or takes it back.
func (d *disk) finish(r *record) (outcome string, err error) {
	if err := d.state(r); err != nil {
		return Nothing, err
	}
	err = d.forward(r)
	if err == nil {
		return Completed, nil
	}
	if !d.exists(journalDir) {
		return Completed, err // all is done but for clearing up
	}
	if back := d.back(r); back != nil {
		return Nothing, fmt.Errorf("%w; taking the change back failed too: %w: the next mapmigrate command will try again", err, back)
	}
	return RolledBack, fmt.Errorf("no file is changed: %w", err)
}

var errBusy = errors.New("another mapmigrate is changing files here: try again when it is done")

// missingDirs returns the directories that have to be created for p, parents first.
func (d *disk) missingDirs(p string) []string {
	var dirs []string
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if _, err := d.root.Stat(filepath.FromSlash(dir)); err == nil {
			break
		}
		dirs = append(dirs, dir)
	}
	slices.Reverse(dirs)
	return dirs
}
