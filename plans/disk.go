// This file defines the only door to the user's disk: a root directory that nothing
// can leave, and writes that either happen or do not.

package plans

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"
)

// A disk is a module's root directory. All paths are slash-separated and relative to
// it. os.Root refuses every path that leaves it, by .. or through a symbolic link.
type disk struct {
	root *os.Root
	dir  string
}

// beforeStep is called before each step that changes the disk. Tests end the process
// there, as far as the disk can tell.
var beforeStep = func(op, path string) error { return nil }

// syncing is off in tests that count steps, not power cuts.
var syncing = true

func openDisk(dir string) (*disk, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &disk{root, dir}, nil
}

func (d *disk) close() { d.root.Close() }

func (d *disk) fs() fs.FS { return d.root.FS() }

// read returns a file's bytes; ok is false when there is none.
func (d *disk) read(p string) (data []byte, ok bool, err error) {
	data, err = d.root.ReadFile(filepath.FromSlash(p))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	return data, err == nil, err
}

func (d *disk) exists(p string) bool {
	_, err := d.root.Lstat(filepath.FromSlash(p))
	return err == nil
}

// write gives the file p the content data: at any moment p is what it was or what it
// will be. The content is on the medium before the name points at it. Of runs that write p
// at once, each waits for the one that has the temporary file.
func (d *disk) write(p string, data []byte, mode fs.FileMode) error {
	tmp := tempName(p)
	err := d.create(tmp, data, mode)
	for wait := time.Millisecond; errors.Is(err, fs.ErrExist); wait *= 2 {
		if wait > 100*time.Millisecond { // left by a run that was killed
			if err := d.remove(tmp); err != nil {
				return err
			}
		}
		time.Sleep(wait)
		err = d.create(tmp, data, mode)
	}
	if err != nil {
		return errors.Join(err, d.remove(tmp))
	}
	if err := d.rename(tmp, p); err != nil {
		return errors.Join(err, d.remove(tmp))
	}
	return nil
}

// tempName is where the new bytes of p wait: beside it, so that the rename stays on
// one file system; hidden from the go command by the dot; the same at every try, so
// that Recover finds it.
func tempName(p string) string {
	h := sha256.Sum256([]byte(p))
	return path.Join(path.Dir(p), ".mapmigrate-"+hex.EncodeToString(h[:6])+".tmp")
}

// create writes a new file. It is not atomic: see write.
func (d *disk) create(p string, data []byte, mode fs.FileMode) error {
	if err := beforeStep("create", p); err != nil {
		return err
	}
	f, err := d.root.OpenFile(filepath.FromSlash(p), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer f.Close()
	half := len(data) / 2
	if _, err := f.Write(data[:half]); err != nil {
		return err
	}
	if err := beforeStep("write", p); err != nil {
		return err
	}
	if _, err := f.Write(data[half:]); err != nil {
		return err
	}
	if syncing {
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return f.Close()
}

// keepMode gives p exactly the permissions mode, which create may have narrowed by
// the umask.
func (d *disk) keepMode(p string, mode fs.FileMode) error {
	if err := beforeStep("chmod", p); err != nil {
		return err
	}
	return d.root.Chmod(filepath.FromSlash(p), mode)
}

func (d *disk) rename(from, to string) error {
	if err := beforeStep("rename", to); err != nil {
		return err
	}
	if err := d.root.Rename(filepath.FromSlash(from), filepath.FromSlash(to)); err != nil {
		return err
	}
	d.syncDir(path.Dir(to))
	return nil
}

// mkdir creates the directory p and its parents where they are missing.
func (d *disk) mkdir(p string) error {
	if info, err := d.root.Stat(filepath.FromSlash(p)); err == nil && info.IsDir() {
		return nil
	}
	if err := beforeStep("mkdir", p); err != nil {
		return err
	}
	return d.root.MkdirAll(filepath.FromSlash(p), 0o777)
}

// remove removes a file or an empty directory; that there is none is no error.
func (d *disk) remove(p string) error {
	if !d.exists(p) {
		return nil
	}
	if err := beforeStep("remove", p); err != nil {
		return err
	}
	err := d.root.Remove(filepath.FromSlash(p))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// removeTree removes p and all below it, file by file.
func (d *disk) removeTree(p string) error {
	if !d.exists(p) {
		return nil
	}
	for _, name := range d.names(p) {
		if err := d.removeTree(path.Join(p, name)); err != nil {
			return err
		}
	}
	return d.remove(p)
}

// names returns the sorted names in the directory p; none if it is no directory.
func (d *disk) names(p string) []string {
	if info, err := d.root.Lstat(filepath.FromSlash(p)); err != nil || !info.IsDir() {
		return nil
	}
	entries, err := fs.ReadDir(d.fs(), p)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	slices.Sort(names)
	return names
}

// syncDir makes renames in p durable. Not every system can; the files themselves are
// synced in any case.
func (d *disk) syncDir(p string) {
	if !syncing {
		return
	}
	if f, err := d.root.Open(filepath.FromSlash(p)); err == nil {
		_ = f.Sync()
		f.Close()
	}
}

// resolve returns the path of the file itself when p, or a directory on the way to
// it, is a symbolic link, so that the link stays and what it points to is rewritten.
// A link that leads out of the root is an error.
func (d *disk) resolve(p string) (string, error) {
	root, err := filepath.EvalSymlinks(d.dir)
	if err != nil {
		return "", err
	}
	rest := ""
	for at := p; ; at = path.Dir(at) {
		full := filepath.Join(root, filepath.FromSlash(at))
		real, err := filepath.EvalSymlinks(full)
		if errors.Is(err, fs.ErrNotExist) && at != "." {
			if _, err := os.Lstat(full); err == nil {
				return "", fmt.Errorf("%s is a symbolic link to nothing", at)
			}
			rest = path.Join(path.Base(at), rest)
			continue
		}
		if err != nil {
			return "", err
		}
		rel, err := filepath.Rel(root, real)
		if err != nil || !filepath.IsLocal(rel) {
			return "", fmt.Errorf("%s leads out of the module through a symbolic link: mapmigrate does not write there", p)
		}
		got := path.Join(filepath.ToSlash(rel), rest)
		if why := checkTarget(got); why != "" {
			return "", fmt.Errorf("%s is %s through a symbolic link, which %s: mapmigrate does not write there", p, got, why)
		}
		return got, nil
	}
}
