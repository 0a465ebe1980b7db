// This file reads .mapmigrate.yaml, with which a module tells what mapmigrate cannot know.

package detect

import (
	"bytes"
	"errors"
	"fmt"
	"go/types"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// ConfigFile is the name of the configuration in the root of a module.
const ConfigFile = ".mapmigrate.yaml"

// Settings are what a configuration file says. The zero value is that of an empty file.
type Settings struct {
	File      string     // where they were read, "" when there was no file
	Knowledge *Knowledge // nil when the file adds none
	Ignore    []string   // globs of files whose maps are not reported, relative to the module root
	// Plan holds the defaults of command-line flags by the flag's name. Their values are
	// checked by who knows what they mean.
	Plan map[string]Setting
}

// A Setting is a value with the line that gives it.
type Setting struct {
	Value string
	Line  int
}

// A ConfigError is a mistake in a configuration file; its text begins with file:line.
type ConfigError struct {
	File    string
	Line    int // 0: the file as a whole
	Message string
}

func (e *ConfigError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
}

// A ConfigKey documents one key of the configuration.
type ConfigKey struct{ Name, Doc string }

// ConfigKeys lists the keys of a configuration file in the order of its documentation.
func ConfigKeys() []ConfigKey {
	var out []ConfigKey
	for _, k := range knowledgeKeys {
		out = append(out, ConfigKey{"knowledge." + k.name, k.doc})
	}
	out = append(out, ConfigKey{"ignore", "globs of files or folders, relative to the module's root; ** stands for any number of folders. Maps that are declared there are not reported; what the code there does to other maps still counts"})
	for _, k := range planKeys {
		out = append(out, ConfigKey{"plan." + k, "the default of --" + k + " for plan and apply"})
	}
	return out
}

// knowledgeKeys are the lists of library functions.
var knowledgeKeys = []struct {
	name, doc string
	list      func(*Knowledge) *[]string
}{
	{"spawners", "run the functions they are given in another goroutine, once for each call", func(k *Knowledge) *[]string { return &k.Spawners }},
	{"handlers", "run the functions they are given in many goroutines, as HTTP routers and worker pools do", func(k *Knowledge) *[]string { return &k.Handlers }},
	{"sync", "call the functions they are given before they return, in the caller's goroutine", func(k *Knowledge) *[]string { return &k.Sync }},
	{"once", "call the function they are given at most once, before all that follows, as sync.Once does", func(k *Knowledge) *[]string { return &k.Once }},
	{"waits", "return when the goroutines have ended that the calling function started", func(k *Knowledge) *[]string { return &k.Waits }},
	{"readers", "only read the maps they are given, and do not keep them", func(k *Knowledge) *[]string { return &k.Readers }},
	{"locks", "take their receiver (of a function, its first argument) as a lock", func(k *Knowledge) *[]string { return &k.Locks }},
	{"rlocks", "take it for reading", func(k *Knowledge) *[]string { return &k.RLocks }},
	{"unlocks", "give it back", func(k *Knowledge) *[]string { return &k.Unlocks }},
}

// planKeys are the flags whose defaults a module may set.
var planKeys = []string{"strategy", "scope", "min-confidence", "runtime", "tags", "tests"}

// FindSettings reads the configuration of the module at root; a module without one has the
// zero Settings. Mistakes are *ConfigError.
func FindSettings(root string) (*Settings, error) {
	s, err := ReadSettings(filepath.Join(root, ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		return &Settings{}, nil
	}
	return s, err
}

// ReadSettings reads a configuration file. Mistakes in it are *ConfigError; the error of a
// file that is not there is fs.ErrNotExist.
func ReadSettings(file string) (*Settings, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return ParseSettings(file, data)
}

// ParseSettings reads the text of a configuration file, whose name is for messages only.
// Nothing is guessed: an unknown key, a key that is there twice, a name that cannot be a
// function's and a value of another kind are all errors.
func ParseSettings(file string, data []byte) (*Settings, error) {
	s := &Settings{File: file, Plan: map[string]Setting{}}
	p := &settingsParser{file: file}
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return s, nil
	case err != nil:
		return nil, p.syntax(err)
	}
	var more yaml.Node
	if err := dec.Decode(&more); err == nil {
		return nil, p.errorf(&more, "a second document: the file holds one")
	} else if !errors.Is(err, io.EOF) {
		return nil, p.syntax(err)
	}
	return s, p.settings(s, doc.Content[0])
}

type settingsParser struct{ file string }

func (p *settingsParser) errorf(n *yaml.Node, format string, args ...any) error {
	return &ConfigError{p.file, n.Line, fmt.Sprintf(format, args...)}
}

var yamlLineRx = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)

// syntax takes the line out of an error of the YAML reader.
func (p *settingsParser) syntax(err error) error {
	if m := yamlLineRx.FindStringSubmatch(err.Error()); m != nil {
		line := 0
		fmt.Sscan(m[1], &line)
		return &ConfigError{p.file, line, "this is not YAML: " + m[2]}
	}
	return &ConfigError{p.file, 0, "this is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
}

func (p *settingsParser) settings(s *Settings, n *yaml.Node) error {
	return p.mapping(n, "the file", []string{"knowledge", "ignore", "plan"}, func(key, v *yaml.Node) error {
		switch key.Value {
		case "knowledge":
			s.Knowledge = new(Knowledge)
			return p.knowledge(s.Knowledge, v)
		case "ignore":
			list, err := p.list(v, "ignore", p.glob)
			s.Ignore = list
			return err
		}
		return p.mapping(v, "plan", planKeys, func(key, v *yaml.Node) error {
			if v.Kind != yaml.ScalarNode || v.Tag == "!!null" {
				return p.errorf(v, "plan.%s: want one value", key.Value)
			}
			s.Plan[key.Value] = Setting{v.Value, v.Line}
			return nil
		})
	})
}

func (p *settingsParser) knowledge(k *Knowledge, n *yaml.Node) error {
	var names []string
	for _, key := range knowledgeKeys {
		names = append(names, key.name)
	}
	return p.mapping(n, "knowledge", names, func(key, v *yaml.Node) error {
		list, err := p.list(v, "knowledge."+key.Value, p.function)
		if err != nil {
			return err
		}
		*knowledgeKeys[slices.Index(names, key.Value)].list(k) = list
		return nil
	})
}

// mapping calls do for each key of a mapping, all of which must be known. Nothing at all
// is an empty mapping.
func (p *settingsParser) mapping(n *yaml.Node, what string, known []string, do func(key, value *yaml.Node) error) error {
	n = resolve(n)
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return p.errorf(n, "%s: want keys (%s)", what, strings.Join(known, ", "))
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, v := n.Content[i], resolve(n.Content[i+1])
		if !slices.Contains(known, key.Value) {
			where := ""
			if what != "the file" {
				where = " in " + what
			}
			return p.errorf(key, "unknown key %q%s: there are %s", key.Value, where, strings.Join(known, ", "))
		}
		if line := seen[key.Value]; line > 0 {
			return p.errorf(key, "the key %q is there already, at line %d", key.Value, line)
		}
		seen[key.Value] = key.Line
		if err := do(key, v); err != nil {
			return err
		}
	}
	return nil
}

// list reads a list of strings that check accepts.
func (p *settingsParser) list(n *yaml.Node, what string, check func(*yaml.Node) error) ([]string, error) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return nil, nil
	}
	if n.Kind != yaml.SequenceNode {
		return nil, p.errorf(n, "%s: want a list", what)
	}
	var out []string
	for _, item := range n.Content {
		item = resolve(item)
		if item.Kind != yaml.ScalarNode || item.Tag != "!!str" || item.Value == "" {
			return nil, p.errorf(item, "%s: want a list of strings", what)
		}
		if err := check(item); err != nil {
			return nil, err
		}
		out = append(out, item.Value)
	}
	return out, nil
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

var functionRx = regexp.MustCompile(`^(?:\(\*?[^\s()*\[\]]+\.[\pL_][\pL_\d]*\)|[^\s()*\[\]]+)\.[\pL_][\pL_\d]*$`)

func (p *settingsParser) function(n *yaml.Node) error {
	if !functionRx.MatchString(n.Value) {
		return p.errorf(n, "%q is no name of a function: write path/to/pkg.Func, (path/to/pkg.Type).Method or (*path/to/pkg.Type).Method, without type arguments", n.Value)
	}
	return nil
}

func (p *settingsParser) glob(n *yaml.Node) error {
	if _, err := path.Match(n.Value, ""); err != nil || path.IsAbs(n.Value) || strings.Contains(n.Value, `\`) || strings.HasPrefix(path.Clean(n.Value), "..") {
		return p.errorf(n, "%q is no glob of files in the module: write slashes, and start at the module's root", n.Value)
	}
	return nil
}

// Ignores reports whether a file, by its slash-separated path from the module root, matches
// one of the globs under ignore, or lies in a folder that does.
func (s *Settings) Ignores(file string) bool {
	if s == nil {
		return false
	}
	elems := strings.Split(file, "/")
	for _, g := range s.Ignore {
		if matchPath(strings.Split(path.Clean(g), "/"), elems) {
			return true
		}
	}
	return false
}

// matchPath matches a pattern with a path or the folders that lead to it; "**" stands for
// any number of elements.
func matchPath(pattern, elems []string) bool {
	if len(pattern) == 0 {
		return true
	}
	if pattern[0] == "**" {
		for i := range len(elems) + 1 {
			if len(pattern) > 1 && i == len(elems) {
				break
			}
			if matchPath(pattern[1:], elems[i:]) {
				return true
			}
		}
		return false
	}
	if len(elems) == 0 {
		return false
	}
	ok, _ := path.Match(pattern[0], elems[0])
	return ok && matchPath(pattern[1:], elems[1:])
}

// plainName drops type arguments: "(*pkg.Pool[T]).Go" is "(*pkg.Pool).Go".
func plainName(full string) string {
	i := strings.IndexByte(full, '[')
	if i < 0 {
		return full
	}
	j := strings.LastIndexByte(full, ']')
	return full[:i] + full[j+1:]
}

// lockOp is lockOpOf and what the table adds to it. A nil Knowledge adds nothing.
func (k *Knowledge) lockOp(f *types.Func) lockOp {
	if op := lockOpOf(f); op != notLock || k == nil || len(k.Locks)+len(k.RLocks)+len(k.Unlocks) == 0 {
		return op
	}
	switch full := plainName(f.Origin().FullName()); {
	case contains(k.Locks, full):
		return opLock
	case contains(k.RLocks, full):
		return opRLock
	case contains(k.Unlocks, full):
		return opUnlock
	}
	return notLock
}

// isLock reports whether a type is a lock, by its method set or by the table.
func (k *Knowledge) isLock(t types.Type) bool {
	if hasLock(t) {
		return true
	}
	if k == nil {
		return false
	}
	ms := types.NewMethodSet(types.NewPointer(deref(t)))
	for m := range ms.Methods() {
		if f, ok := m.Obj().(*types.Func); ok && k.lockOp(f) == opLock {
			return true
		}
	}
	return false
}

// waits reports whether a function ends the goroutines that its caller started (rule O3).
func (k *Knowledge) waits(full string) bool {
	return waits[full] || k != nil && contains(k.Waits, plainName(full))
}
