// This file asks the go command: which module, which packages, where export data lies.

package detect

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// goCmd runs the go command in dir and returns its standard output. The child ends when
// ctx is done, and, where the system can do that, when this process is killed.
func (prog *Program) goCmd(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), prog.cfg.Env...)
	if dir == prog.Dir { // found without symbolic links: so are the names of the files then
		cmd.Env = append(cmd.Env, "PWD="+dir)
	}
	cmd.Cancel = func() error { return interrupt(cmd.Process) }
	cmd.WaitDelay = 2 * time.Second
	cmd.SysProcAttr = dieWithParent()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// The death signal of Linux comes when the thread that started the child ends, so
	// that thread has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Run()
	switch {
	case err == nil:
		return stdout.Bytes(), nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return nil, &LoadError{Message: "the go command is not on PATH: mapmigrate needs it to load packages"}
	}
	msg := strings.TrimSpace(stderr.String())
	if msg == "" {
		msg = err.Error()
	}
	return nil, &LoadError{Message: fmt.Sprintf("go %s: %s", args[0], msg)} // the arguments can be hundreds
}

// goEnv are the settings of the go command that decide what it lists and how code is
// compiled. The names of temporary folders are not among them.
var goEnv = []string{
	"GOVERSION", "GOROOT", "GOOS", "GOARCH", "GO386", "GOAMD64", "GOARM", "GOARM64", "GOMIPS", "GOMIPS64", "GOPPC64", "GORISCV64", "GOWASM",
	"CGO_ENABLED", "CC", "CGO_CFLAGS", "CGO_CPPFLAGS", "CGO_LDFLAGS", "GOEXPERIMENT", "GODEBUG", "GOFLAGS", "GOFIPS140", "GOMOD", "GOWORK", "GOMODCACHE", "GOCACHE",
}

// findModule fills what is said of the module in go.mod, and the go command's settings.
func (prog *Program) findModule(ctx context.Context, dir string) error {
	if fi, err := os.Stat(dir); err != nil || !fi.IsDir() {
		return &LoadError{Message: fmt.Sprintf("%s is not a directory", dir)}
	}
	out, err := prog.goCmd(ctx, dir, append([]string{"env", "-json"}, goEnv...)...)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, &prog.env); err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	file := prog.env["GOMOD"]
	if file == "" || file == os.DevNull {
		return &LoadError{Message: fmt.Sprintf("no go.mod in %s or above: run mapmigrate inside a Go module, or use -C DIR", dir)}
	}
	prog.Dir = filepath.Dir(file)
	out, err = prog.goCmd(ctx, prog.Dir, "list", "-m", "-f", "{{.Dir}}\t{{.Path}}\t{{.GoVersion}}")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(out)) { // one line per go.work module
		f := strings.Split(strings.TrimSpace(line), "\t")
		if len(f) == 3 && f[0] == prog.Dir {
			prog.Module, prog.GoVersion = f[1], f[2]
			return nil
		}
	}
	return &LoadError{Message: fmt.Sprintf("%s is not a module of the go.work in use: add it there or set GOWORK=off", file)}
}

// match returns the import paths that the user's patterns name.
func (prog *Program) match(ctx context.Context, dir string, patterns []string) (map[string]bool, error) {
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	// With -e, a package whose imports cannot be found is one that does not type-check: the
	// others are looked at all the same. A pattern that names no package is a mistake.
	const format = "{{.ImportPath}} {{if and .Error (not .GoFiles) (not .CgoFiles) (not .TestGoFiles) (not .XTestGoFiles)}}{{printf \"%q\" .Error.Err}}{{end}}"
	args := append([]string{"list", "-e", "-f=" + format}, prog.tagFlag()...)
	out, err := prog.goCmd(ctx, dir, append(append(args, "--"), patterns...)...)
	if err != nil {
		return nil, err
	}
	paths := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		path, problem, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if problem, err := strconv.Unquote(problem); err == nil {
			return nil, &LoadError{Message: problem}
		}
		paths[path] = true
	}
	if len(paths) == 0 {
		return nil, &LoadError{Message: fmt.Sprintf("%s matches no packages", strings.Join(patterns, " "))}
	}
	return paths, nil
}

func (prog *Program) tagFlag() []string {
	if prog.cfg.Tags == "" {
		return nil
	}
	return []string{"-tags=" + prog.cfg.Tags}
}

// A meta is what the go command says about a package, and where it is to come from.
type meta struct {
	ID, PkgPath, Name, Dir string
	GoFiles                []string // absolute; for cgo packages the originals
	CompiledGoFiles        []string // absolute; what the compiler gets
	OtherFiles             []string // absolute: assembly, C, embedded files
	IgnoredFiles           []string
	Imports                map[string]string // import path as written → ID
	ForTest                string
	Main                   bool // of the module that is migrated
	Export                 string
	Errors                 []goError

	source bool // parse it; otherwise export data
}

// A goError is what go list says is wrong with a package.
type goError struct {
	ImportStack []string
	Pos, Err    string
}

// listFields are the fields of go list's output that metas are made of. Naming them spares
// the go command work for others.
const listFields = "ImportPath,Dir,Name,Export,GoFiles,CgoFiles,CompiledGoFiles,IgnoredGoFiles,IgnoredOtherFiles,EmbedFiles," +
	"CFiles,CXXFiles,MFiles,HFiles,FFiles,SFiles,SwigFiles,SwigCXXFiles,SysoFiles,Imports,ImportMap,Module,ForTest,Error"

type listed struct {
	ImportPath, Dir, Name, Export, ForTest                                            string
	GoFiles, CgoFiles, CompiledGoFiles, IgnoredGoFiles, IgnoredOtherFiles, EmbedFiles []string
	CFiles, CXXFiles, MFiles, HFiles, FFiles, SFiles, SwigFiles, SwigCXXFiles         []string
	SysoFiles, Imports                                                                []string
	ImportMap                                                                         map[string]string
	Module                                                                            *struct {
		Path string
		Main bool
	}
	Error *goError
}

// goList runs go list and returns its packages in the order in which it names them, which
// with -deps has imports before importers.
func (prog *Program) goList(ctx context.Context, args ...string) ([]*meta, error) {
	args = append([]string{"list", "-e", "-pgo=off", "-json=" + listFields}, append(prog.tagFlag(), args...)...)
	out, err := prog.goCmd(ctx, prog.Dir, args...)
	if err != nil {
		return nil, err
	}
	var metas []*meta
	byID := map[string]*meta{}
	late := map[string][]goError{} // errors that belong to the importer
	dec := json.NewDecoder(bytes.NewReader(out))
	for {
		p := new(listed)
		if err := dec.Decode(p); err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("output of go list: %w", err)
		}
		m := prog.newMeta(p)
		old := byID[m.ID]
		switch {
		case old == nil:
			metas = append(metas, m)
			byID[m.ID] = m
		case len(m.Errors) > 0: // a fake twin that stands for a forbidden import
			for _, e := range m.Errors {
				forbidden := strings.Contains(e.Err, "not an importable package") || strings.Contains(e.Err, "use of internal package")
				if n := len(e.ImportStack); n > 0 && forbidden {
					late[e.ImportStack[n-1]] = append(late[e.ImportStack[n-1]], e)
				}
			}
		case len(old.Errors) > 0:
			*old = *m
		}
	}
	for id, errs := range late {
		if m := byID[id]; m != nil {
			m.Errors = append(m.Errors, errs...)
		}
	}
	return metas, nil
}

func (prog *Program) newMeta(p *listed) *meta {
	abs := func(lists ...[]string) (out []string) {
		for _, list := range lists {
			for _, f := range list {
				if !filepath.IsAbs(f) {
					f = filepath.Join(p.Dir, f)
				}
				out = append(out, f)
			}
		}
		return out
	}
	m := &meta{
		ID: p.ImportPath, Name: p.Name, Dir: p.Dir, ForTest: p.ForTest, Export: p.Export,
		GoFiles:         abs(p.GoFiles, p.CgoFiles),
		CompiledGoFiles: abs(p.CompiledGoFiles),
		OtherFiles:      abs(p.CFiles, p.CXXFiles, p.MFiles, p.HFiles, p.FFiles, p.SFiles, p.SwigFiles, p.SwigCXXFiles, p.SysoFiles, p.EmbedFiles),
		IgnoredFiles:    abs(p.IgnoredGoFiles, p.IgnoredOtherFiles),
		Imports:         map[string]string{},
		Main:            p.Module != nil && p.Module.Main && p.Module.Path == prog.Module,
	}
	m.PkgPath, _, _ = strings.Cut(m.ID, " ")
	// Assembly and C are listed among the compiled files; those without an
	// extension are Go made by cgo.
	m.CompiledGoFiles = slices.DeleteFunc(m.CompiledGoFiles, func(f string) bool {
		ext := filepath.Ext(f)
		return ext != ".go" && ext != ""
	})
	if len(m.CompiledGoFiles) == 0 {
		m.CompiledGoFiles = m.GoFiles
	}
	for _, id := range p.Imports {
		if id != "C" {
			m.Imports[id] = id
		}
	}
	for path, id := range p.ImportMap { // where what is written is not what is meant
		delete(m.Imports, id)
		m.Imports[path] = id
	}
	if e := p.Error; e != nil {
		e.Err = strings.TrimSpace(e.Err)
		if strings.HasPrefix(e.Err, "import cycle not allowed") && len(e.ImportStack) > 0 {
			stack := make([]string, len(e.ImportStack))
			for i, s := range e.ImportStack {
				stack[i] = strings.TrimSuffix(s, " (test)")
			}
			e.Err += fmt.Sprintf(": import stack: %v", stack)
		}
		m.Errors = append(m.Errors, *e)
		m.nameFile(prog.Dir, e)
	}
	return m
}

// nameFile adds the file that an error of the go command is about, when it could not even
// tell the package's files: then the type checker says what is wrong with it.
func (m *meta) nameFile(dir string, e *goError) {
	if n := len(e.ImportStack); len(m.GoFiles) > 0 || len(m.CompiledGoFiles) > 0 || n > 0 && e.ImportStack[n-1] != m.ID {
		return
	}
	for _, pos := range []string{e.Pos, e.Err} {
		name, _, _ := strings.Cut(pos, ":")
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		if fi, err := os.Stat(name); err == nil && !fi.IsDir() {
			m.GoFiles = append(m.GoFiles, name)
			m.CompiledGoFiles = append(m.CompiledGoFiles, name)
			return
		}
	}
}
