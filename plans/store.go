// This file defines the folder .mapmigrate, where a plan is kept between commands.

package plans

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
)

// Folder is the directory in the module's root that holds the plan, the journal of
// an apply under way, and the undo records. It ignores itself in git.
const Folder = ".mapmigrate"

const planFile = Folder + "/plan.json"

// Save writes the plan to the folder of the module at dir: plan.json, plan.diff (what
// applying every site that is proposed or approved would still change, as `git apply`
// takes it) and, with a renderer such as review.Markdown, plan.md.
func Save(dir string, p *Plan, markdown func(io.Writer, *Plan) error) error {
	p.recountStatus()
	data, err := marshal(p)
	if err != nil {
		return err
	}
	d, err := openDisk(dir)
	if err != nil {
		return err
	}
	defer d.close()
	if err := d.makeFolder(); err != nil {
		return err
	}
	if err := d.write(Folder+"/plan.diff", []byte(d.remaining(p)), 0o666); err != nil {
		return err
	}
	if markdown != nil {
		var buf bytes.Buffer
		if err := markdown(&buf, p); err != nil {
			return err
		}
		if err := d.write(Folder+"/plan.md", buf.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return d.write(planFile, data, 0o666)
}

// remaining returns the diff from the files as they are to the files with every
// proposed and approved site applied. Where that cannot be computed it says why: a
// reader of plan.diff shall not take an old diff for a true one.
func (d *disk) remaining(p *Plan) string {
	var ids []string
	for _, s := range p.Sites {
		if s.Status == Proposed || s.Status == Approved {
			ids = append(ids, s.ID)
		}
	}
	// A couple may be rejected: its unit cannot be applied then.
	ids = slices.DeleteFunc(ids, func(id string) bool {
		return slices.ContainsFunc(p.Unit(id), func(u string) bool { return p.Site(u).Status == Rejected })
	})
	out, err := d.compose(p, ids)
	if err != nil {
		return fmt.Sprintf("# no diff: %v\n", err)
	}
	var files []File
	for _, f := range slices.Sorted(maps.Keys(out)) {
		now, _, err := d.read(f)
		if err != nil {
			return fmt.Sprintf("# no diff: %v\n", err)
		}
		files = append(files, File{f, now, out[f]})
	}
	return Diff(RepoPrefix(d.dir), files...)
}

// Open reads the plan of the module at dir.
func Open(dir string) (*Plan, error) {
	f, err := os.Open(filepath.Join(dir, filepath.FromSlash(planFile)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no plan here: run `mapmigrate plan` first: %w", err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Decode(f)
}

func (d *disk) makeFolder() error {
	if err := d.mkdir(Folder); err != nil {
		return err
	}
	ignore := path.Join(Folder, ".gitignore")
	if d.exists(ignore) {
		return nil
	}
	return d.write(ignore, []byte("*\n"), 0o666)
}
