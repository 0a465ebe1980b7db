// This file defines what is asked of git. Where there is no repository, nothing is.

package plans

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// RepoPrefix returns the path of dir in its git repository, slash-separated, "" for
// the repository's root or outside of any: what Diff's paths have to begin with.
func RepoPrefix(dir string) string {
	if !inRepository(dir) {
		return ""
	}
	out, err := git(dir, "rev-parse", "--show-prefix")
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(out), "\n"), "/")
}

// checkClean makes sure that no tracked file that the record writes has uncommitted
// changes. Files that git does not know are none of its business.
func (d *disk) checkClean(r *record) error {
	if !inRepository(d.dir) {
		return nil
	}
	out, err := git(d.dir, "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames", "--ignore-submodules", "--", ".")
	if err != nil {
		return fmt.Errorf("asking git for uncommitted changes: %w: use --allow-dirty to go ahead without", err)
	}
	prefix := RepoPrefix(d.dir)
	if prefix != "" {
		prefix += "/"
	}
	var dirty []string
	for entry := range strings.SplitSeq(string(out), "\x00") {
		if len(entry) < 4 {
			continue
		}
		file, ok := strings.CutPrefix(entry[3:], prefix)
		if ok && slices.ContainsFunc(r.Files, func(f recordFile) bool { return f.Path == file }) {
			dirty = append(dirty, file)
		}
	}
	if len(dirty) > 0 {
		return &DirtyError{dirty}
	}
	return nil
}

// inRepository reports whether dir or a directory above it has a .git.
func inRepository(dir string) bool {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	if real, err := filepath.EvalSymlinks(abs); err == nil {
		abs = real
	}
	for ; ; abs = filepath.Dir(abs) {
		if _, err := os.Lstat(filepath.Join(abs, ".git")); err == nil {
			return true
		}
		if abs == filepath.Dir(abs) {
			return false
		}
	}
}

func git(dir string, args ...string) ([]byte, error) {
	cmd := exec.Command("git", append([]string{"-C", dir}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		if msg := strings.TrimSpace(stderr.String()); msg != "" {
			err = errors.New(msg)
		}
		return nil, fmt.Errorf("git %s: %w", args[0], err)
	}
	return out, nil
}
