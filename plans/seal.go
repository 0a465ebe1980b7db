// This file defines the last step of planning: what follows from a plan's edits.

package plans

import (
	"io/fs"
	"maps"
	"slices"
)

// Seal completes a plan that holds the sites' edits and the shared edits: it sorts
// them, drops repeated ones, and fills in old_sha256, the files of each site with
// their hashes, the diffs and the summary's counts. fsys is the module's root as the
// plan was computed from it; prefix is RepoPrefix. Then it validates the plan.
//
// A site's diff is that of its unit, without the files that shared edits create: the
// runtime's source in every site's diff would bury the change to be reviewed. The
// plan.diff that Save writes has everything.
func (p *Plan) Seal(fsys fs.FS, prefix string) error {
	p.FormatVersion = FormatVersion
	base := map[string][]byte{} // nil for a file that does not exist
	read := func(file string) {
		if _, ok := base[file]; !ok && checkTarget(file) == "" {
			if data, err := fs.ReadFile(fsys, file); err == nil {
				base[file] = append([]byte{}, data...)
			} else {
				base[file] = nil
			}
		}
	}
	hashOld := func(e *Edit) {
		read(e.File)
		if b := base[e.File]; 0 <= e.Start && e.Start <= e.End && e.End <= len(b) {
			e.OldSHA256 = hashOf(b[e.Start:e.End])
		}
	}
	for i := range p.Shared {
		hashOld(&p.Shared[i].Edit)
		slices.Sort(p.Shared[i].Sites)
		p.Shared[i].Sites = slices.Compact(p.Shared[i].Sites)
		if p.Shared[i].Create {
			base[p.Shared[i].File] = nil // it may be there already, with the same text
		}
	}
	slices.SortFunc(p.Shared, func(a, b SharedEdit) int { return compareEdits(a.Edit, b.Edit) })
	for _, s := range p.Sites {
		for i := range s.Edits {
			hashOld(&s.Edits[i])
		}
		slices.SortFunc(s.Edits, compareEdits)
		s.Edits = slices.Compact(s.Edits)
		slices.Sort(s.CoupledWith)
	}
	for _, s := range p.Sites {
		s.Files, s.Diff = nil, ""
		if s.Status == Refused {
			continue
		}
		unit := map[string]bool{}
		for _, id := range p.Unit(s.ID) {
			unit[id] = true
		}
		text := map[string][]byte{}
		created := map[string]bool{}
		edits := p.owned(func(s *Site) bool { return unit[s.ID] })
		for len(edits) > 0 {
			file, n := edits[0].File, 1
			for n < len(edits) && edits[n].File == file {
				n++
			}
			out, err := splice(base[file], edits[:n])
			if err != nil {
				return err
			}
			text[file] = out
			created[file] = edits[0].create
			edits = edits[n:]
		}
		var diffs []File
		for _, file := range slices.Sorted(maps.Keys(text)) {
			s.Files = append(s.Files, FileChange{file, hashOrNone(base[file]), hashOf(text[file])})
			if created[file] {
				continue
			}
			diffs = append(diffs, File{file, base[file], text[file]})
		}
		s.Diff = Diff(prefix, diffs...)
	}
	p.Recount()
	return p.Validate()
}
