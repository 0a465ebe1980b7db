// This file keeps results on disk, under the hash of everything they were computed from.

package detect

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
)

// A Cache keeps results between runs: summaries of packages, what linking found, and whole
// plans. An entry's name is the hash of all that the entry depends on, so nothing is ever out
// of date and nothing has to be invalidated; but that of a link tells itself what of it still
// holds (see memo), and takes the place of the one before. It may be deleted at any time, and used by any number of
// processes at once: entries are written beside their place and renamed. An entry that
// does not hold what was put in counts as missing. Entries that nobody asked for in a
// while are removed, and the oldest ones when all take too much room.
//
// A nil Cache keeps nothing.
type Cache struct {
	dir  string
	tool string // hash of this program: another version computes other results
	size int64  // most bytes that Trim leaves
}

const (
	cacheEnv     = "MAPMIGRATE_CACHE"
	cacheSize    = 512 << 20
	cacheAge     = 5 * 24 * time.Hour // unused entries live this long
	cacheTouch   = time.Hour          // a use is recorded this coarsely
	cacheTrimmed = 24 * time.Hour
)

// OpenCache opens the user's cache: the folder named by MAPMIGRATE_CACHE, or mapmigrate in
// the user's cache folder. It returns nil when MAPMIGRATE_CACHE is "off", and when there is
// nowhere to write: then nothing is kept, which is slower but not wrong.
func OpenCache() *Cache {
	dir := os.Getenv(cacheEnv)
	if dir == "off" {
		return nil
	}
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		dir = filepath.Join(user, "mapmigrate")
	}
	return openCache(dir)
}

func openCache(dir string) *Cache {
	dir, err := filepath.Abs(dir)
	if err != nil || os.MkdirAll(dir, 0o777) != nil {
		return nil
	}
	tool, err := toolHash()
	if err != nil {
		return nil
	}
	return &Cache{dir: dir, tool: tool, size: cacheSize}
}

// toolHash identifies the running program by its content: two builds of one version may
// differ, and their results with them.
var toolHash = sync.OnceValues(func() (string, error) {
	name, err := os.Executable()
	if err != nil {
		return "", err
	}
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
})

// A Key names an entry.
type Key string

// A Hasher collects what an entry depends on. Parts are separated, so that "ab","c" and
// "a","bc" are different.
type Hasher struct{ h hash.Hash }

// NewHasher begins the key of an entry of some kind. It knows the program already.
func (c *Cache) NewHasher(kind string) *Hasher {
	h := &Hasher{sha256.New()}
	h.Add(kind)
	if c != nil {
		h.Add(c.tool)
	}
	return h
}

// Add adds parts.
func (h *Hasher) Add(parts ...string) {
	for _, p := range parts {
		fmt.Fprintf(h.h, "%d:", len(p))
		io.WriteString(h.h, p)
	}
}

// Key returns the key of all parts that were added.
func (h *Hasher) Key() Key { return Key(hex.EncodeToString(h.h.Sum(nil))) }

// AddFile adds a file's content, or that it is missing. An error of another kind is
// returned: then there is no key.
func (h *Hasher) AddFile(name string) error {
	data, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		h.Add(name, "missing")
		return nil
	case err != nil:
		return err
	}
	sum := sha256.Sum256(data)
	h.Add(name, string(sum[:]))
	return nil
}

func (c *Cache) file(k Key) string { return filepath.Join(c.dir, string(k[:2]), string(k)) }

const cacheMagic = "mapmigrate cache 1\n"

// Get returns what was put under a key, and reports whether it is there and whole.
func (c *Cache) Get(k Key) ([]byte, bool) {
	if c == nil {
		return nil, false
	}
	name := c.file(k)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, false
	}
	body, ok := bytes.CutPrefix(data, []byte(cacheMagic))
	if !ok || len(body) < sha256.Size {
		return nil, false
	}
	sum, body := body[:sha256.Size], body[sha256.Size:]
	if have := sha256.Sum256(body); !bytes.Equal(have[:], sum) {
		return nil, false
	}
	if fi, err := os.Stat(name); err == nil && time.Since(fi.ModTime()) > cacheTouch {
		now := time.Now()
		_ = os.Chtimes(name, now, now) // used: Trim leaves it
	}
	return body, true
}

// Put keeps data under a key. Failing to is no error: the entry is computed again.
func (c *Cache) Put(k Key, data []byte) {
	if c == nil {
		return
	}
	name := c.file(k)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(name), "tmp-*")
	if err != nil {
		return
	}
	sum := sha256.Sum256(data)
	_, err = f.Write(slices.Concat([]byte(cacheMagic), sum[:], data))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
}

// Trim removes entries that were not used for days, and then the ones not used for longest
// until the rest fits. It looks at most once a day.
func (c *Cache) Trim() {
	if c == nil {
		return
	}
	mark := filepath.Join(c.dir, "trimmed")
	if fi, err := os.Stat(mark); err == nil && time.Since(fi.ModTime()) < cacheTrimmed {
		return
	}
	if os.WriteFile(mark, nil, 0o666) != nil {
		return
	}
	now := time.Now()
	_ = os.Chtimes(mark, now, now)
	c.trim(now)
}

func (c *Cache) trim(now time.Time) {
	type entry struct {
		name string
		size int64
		used time.Time
	}
	var entries []entry
	var total int64
	// Only names of our own making are touched, whatever folder the user has given us.
	names, _ := filepath.Glob(filepath.Join(c.dir, "[0-9a-f][0-9a-f]", "*"))
	for _, name := range names {
		base := filepath.Base(name)
		if len(base) != 2*sha256.Size && !strings.HasPrefix(base, "tmp-") {
			continue
		}
		fi, err := os.Stat(name)
		if err != nil || !fi.Mode().IsRegular() {
			continue
		}
		entries = append(entries, entry{name, fi.Size(), fi.ModTime()})
		total += fi.Size()
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].used.Before(entries[j].used) })
	for _, e := range entries {
		if total <= c.size && now.Sub(e.used) < cacheAge {
			return
		}
		if os.Remove(e.name) == nil {
			total -= e.size
		}
	}
}

// AddProgram adds all that is known of a program before it is loaded: the go command's
// settings, the packages, what their files hold, and which builds of dependencies they
// use. It also adds the sources that lie in the module but belong to no package listed
// (other build configurations, nested modules), because rewriting looks at them.
func (prog *Program) AddProgram(h *Hasher) error {
	h.Add(prog.Dir, prog.Module, prog.GoVersion, prog.cfg.Tags, fmt.Sprint(prog.cfg.Tests), strings.Join(prog.cfg.Env, "\x00"))
	for _, name := range slices.Sorted(maps.Keys(prog.env)) {
		h.Add(name, prog.env[name])
	}
	files := map[string]bool{}
	for _, m := range prog.metas {
		if !m.source {
			continue
		}
		h.Add(m.ID, m.Name, m.Dir, m.ForTest, fmt.Sprint(m.Main))
		for _, list := range [][]string{m.GoFiles, m.CompiledGoFiles, m.OtherFiles, m.IgnoredFiles} {
			h.Add(list...)
			h.Add("")
			for _, f := range list {
				files[f] = true
			}
		}
		for _, path := range slices.Sorted(maps.Keys(m.Imports)) {
			h.Add(path, m.Imports[path])
		}
		for _, e := range m.Errors {
			h.Add("error", e.Pos, e.Err)
		}
	}
	for _, p := range prog.Packages {
		h.Add(p.ID, fmt.Sprint(p.Matched))
	}
	prog.addExports(h, slices.Sorted(maps.Keys(prog.exports)))
	if err := prog.addTree(files); err != nil {
		return err
	}
	for _, f := range slices.Sorted(maps.Keys(files)) {
		if err := h.AddFile(f); err != nil {
			return err
		}
	}
	return nil
}

// addExports adds which builds of dependencies are used. The go command names files in its
// cache by their content, so the name says it all.
func (prog *Program) addExports(h *Hasher, paths []string) {
	for _, path := range paths {
		h.Add(path, prog.exports[path], prog.unbuilt[path])
	}
}

// addTree finds the Go files, the module files and our own configuration in the module's
// folder, whichever package or module they belong to.
func (prog *Program) addTree(files map[string]bool) error {
	if work := prog.env["GOWORK"]; work != "" && work != "off" {
		files[work] = true
	}
	return filepath.WalkDir(prog.Dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if base := d.Name(); name != prog.Dir && (base == ".git" || base == ".mapmigrate" || base == "node_modules") {
				return filepath.SkipDir
			}
		case d.Type().IsRegular() || d.Type()&fs.ModeSymlink != 0:
			switch base := d.Name(); {
			case strings.HasSuffix(base, ".go"), base == "go.mod", base == "go.sum", base == "go.work", base == "modules.txt",
				strings.HasPrefix(base, ".mapmigrate."):
				files[name] = true
			}
		}
		return nil
	})
}

// common is what the user has said about libraries.
func common(opts Options) string {
	if opts.Knowledge == nil {
		return ""
	}
	return fmt.Sprintf("%+v", *opts.Knowledge)
}

// keys computes the cache key of every source package's summary: a hash of its files, of
// the builds of dependencies it imports, and of the keys of the packages it imports from
// source. A package for which a file cannot be read has no key.
func (prog *Program) keys(c *Cache, opts Options) map[*Package]Key {
	keys := map[*Package]Key{}
	prog.sums = map[string][sha256.Size]byte{}
	for _, p := range prog.Packages {
		h := c.NewHasher("summary")
		h.Add(common(opts), fmt.Sprint(opts.Tests), prog.env["GOVERSION"], prog.env["GOARCH"], prog.GoVersion, prog.env["GODEBUG"])
		h.Add(p.ID, p.Path, p.Name, p.ForTest, fmt.Sprint(p.FirstParty, p.XTest))
		ok := true
		for _, f := range p.meta.CompiledGoFiles {
			sum, have := prog.sums[f] // variants share most files
			if !have {
				data, err := os.ReadFile(f)
				if err != nil {
					ok = false
					break
				}
				sum = sha256.Sum256(data)
				prog.sums[f] = sum
			}
			h.Add(f, string(sum[:]))
		}
		var exports []string
		for _, path := range slices.Sorted(maps.Keys(p.meta.Imports)) {
			imp := p.Imports[path]
			if imp == nil {
				exports = append(exports, prog.vendored(path))
				continue
			}
			k, have := keys[imp]
			ok = ok && have
			h.Add(path, string(k))
		}
		prog.addExports(h, exports)
		if ok {
			keys[p] = h.Key()
		}
	}
	return keys
}
