// This file holds the gates that need more than one file: the compiler, run over
// an overlay, and the copylocks check.

package rewrite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/copylock"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/ast/inspector"
)

// A CompileError is what the compiler says against an overlay.
type CompileError struct {
	Diags  []CompileDiag // sorted by position, without duplicates
	Output string        // of the go command
}

// A CompileDiag is one complaint of the compiler.
type CompileDiag struct {
	File      string // absolute
	Line, Col int
	Msg       string
}

func (e *CompileError) Error() string {
	if len(e.Diags) == 0 {
		return "the packages do not compile: " + e.Output
	}
	d := e.Diags[0]
	s := fmt.Sprintf("%s:%d:%d: %s", d.File, d.Line, d.Col, d.Msg)
	if n := len(e.Diags) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more)", n)
	}
	return s
}

// compileGate compiles packages as if files (absolute path → content) were written. It uses
// `go list -export`, which neither links nor runs anything and, unlike `go vet` and
// `go test`, accepts packages that only the overlay has. Nothing is optimised, and tests are
// left to the type-checker, which is the compiler's own but for its name: compiling a large
// package's tests takes longer than all the rest of a plan. The error is a *CompileError when
// the compiler had something to say.
func compileGate(ctx context.Context, dir string, files map[string][]byte, pkgs, env []string, tags string) error {
	tmp, err := os.MkdirTemp("", "mapmigrate-overlay-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if tmp, err = filepath.EvalSymlinks(tmp); err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	original := map[string]string{} // replacement → file
	for i, name := range overlayNames(files) {
		// The base name counts: it may end in _test.go or name a platform.
		repl := filepath.Join(tmp, strconv.Itoa(i), filepath.Base(name))
		if err := os.Mkdir(filepath.Dir(repl), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(repl, files[name], 0o666); err != nil {
			return err
		}
		overlay.Replace[name] = repl
		original[repl] = name
	}
	data, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	list := filepath.Join(tmp, "overlay.json")
	if err := os.WriteFile(list, data, 0o666); err != nil {
		return err
	}
	args := []string{"list", "-export", "-gcflags=-N -l", "-overlay=" + list, "-f={{with .Error}}{{.}}{{end}}"}
	if tags != "" {
		args = append(args, "-tags="+tags)
	}
	cmd := exec.CommandContext(ctx, "go", append(append(args, "--"), pkgs...)...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "PWD="+dir), env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	runErr := cmd.Run()
	if runErr == nil {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if exit := (*exec.ExitError)(nil); !errors.As(runErr, &exit) {
		return fmt.Errorf("cannot run the go command: %w", runErr)
	}
	return &CompileError{parseDiags(stderr.String(), dir, original), stderr.String()}
}

var diagLine = regexp.MustCompile(`^(.+?\.go):(\d+):(?:(\d+):)? (.*)$`)

// parseDiags reads the compiler's output. Paths are relative to dir and may name a
// replacement of the overlay.
func parseDiags(out, dir string, original map[string]string) []CompileDiag {
	var diags []CompileDiag
	for _, l := range strings.Split(out, "\n") {
		m := diagLine.FindStringSubmatch(strings.TrimSuffix(l, "\r"))
		if m == nil {
			if n := len(diags); n > 0 && strings.HasPrefix(l, "\t") {
				diags[n-1].Msg += "\n" + strings.TrimSpace(l)
			}
			continue
		}
		file := m[1]
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir, file)
		}
		if o, ok := original[filepath.Clean(file)]; ok {
			file = o
		}
		line, _ := strconv.Atoi(m[2])
		col, _ := strconv.Atoi(m[3])
		diags = append(diags, CompileDiag{file, line, col, m[4]})
	}
	slices.SortFunc(diags, func(a, b CompileDiag) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Col != b.Col {
			return a.Col - b.Col
		}
		return strings.Compare(a.Msg, b.Msg)
	})
	return slices.Compact(diags)
}

func overlayNames(m map[string][]byte) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// copylocksGate returns what vet's copylocks says about a type-checked package. It
// runs here because `go vet -overlay` fails on packages that only the overlay has.
func copylocksGate(fset *token.FileSet, files []*ast.File, pkg *types.Package, info *types.Info) ([]analysis.Diagnostic, error) {
	var diags []analysis.Diagnostic
	_, err := copylock.Analyzer.Run(&analysis.Pass{
		Analyzer:  copylock.Analyzer,
		Fset:      fset,
		Files:     files,
		Pkg:       pkg,
		TypesInfo: info,
		ResultOf:  map[*analysis.Analyzer]any{inspect.Analyzer: inspector.New(files)},
		Report:    func(d analysis.Diagnostic) { diags = append(diags, d) },
	})
	slices.SortFunc(diags, func(a, b analysis.Diagnostic) int { return int(a.Pos - b.Pos) })
	return diags, err
}
