// This file is a vet tool's work on one package, without what the analysis framework does
// for dependencies.

package detect

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// A unit is what the go command says about a package to vet. See cmd/go's vetConfig.
type unit struct {
	ID, ImportPath, GoVersion string
	GoFiles                   []string
	ModulePath, ModuleVersion string
	ImportMap, PackageFile    map[string]string
	PackageVetx               map[string]string
	VetxOnly                  bool
	VetxOutput, Stdout        string
	FixArchive                string
	SucceedOnTypecheckFailure bool

	json bool // findings go to Stdout as JSON, which is how `go vet` asks for them
}

// VetUnit does what unitchecker.Main does with Analyzer, faster: `go vet` calls its tool for
// every package in the build, several hundred times for one's own few, and unitchecker
// type-checks each from source. VetUnit has nothing to do for packages of others, and reads
// the types of imports from the compiler's export data, as long as the go command supplies it.
//
// args are the arguments of the tool, the configuration last. VetUnit reports whether it knew
// what to do; if not, because of a flag or of another version of the go command, it has done
// nothing and unitchecker.Main has to. The answer is the same for all packages of one
// run: what either writes for importers only it can read.
func VetUnit(args []string, stderr io.Writer) (code int, handled bool) {
	u := new(unit)
	for _, arg := range args[:len(args)-1] {
		if arg == "-json" {
			u.json = true
			continue
		}
		name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		name, ours := strings.CutPrefix(name, Analyzer.Name+".")
		f := Analyzer.Flags.Lookup(name)
		if !ours || f == nil {
			return 0, false
		}
		if b, ok := f.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() && value == "" {
			value = "true"
		}
		if err := f.Value.Set(value); err != nil {
			fmt.Fprintf(stderr, "%s: %v\n", arg, err)
			return 1, true
		}
	}
	data, err := os.ReadFile(args[len(args)-1])
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1, true
	}
	var keys map[string]json.RawMessage
	if json.Unmarshal(data, u) != nil || json.Unmarshal(data, &keys) != nil {
		return 0, false
	}
	// A go command that says which module a package is of in this way makes no export data.
	_, exports := keys["PackageFile"]
	_, later := keys["Module"]
	if !exports || later || u.FixArchive != "" || len(u.GoFiles) == 0 {
		return 0, false
	}
	code, err = u.run(stderr)
	if err != nil {
		if !u.VetxOnly {
			fmt.Fprintln(stderr, err)
		}
		return 1, true
	}
	return code, true
}

func (u *unit) run(stderr io.Writer) (code int, err error) {
	if u.ModuleVersion != "" || !firstPartyFile(u.GoFiles[0]) {
		return 0, u.finish(nil, nil)
	}
	fset := token.NewFileSet()
	files, pkg, info, err := u.check(fset)
	if err != nil {
		if u.SucceedOnTypecheckFailure {
			return 0, u.finish(nil, nil)
		}
		return 0, err
	}
	facts, err := u.readFacts()
	if err != nil {
		return 0, err
	}
	var diags []analysis.Diagnostic
	pass := &analysis.Pass{
		Analyzer: Analyzer, Fset: fset, Files: files, Pkg: pkg, TypesInfo: info,
		ResultOf: map[*analysis.Analyzer]any{},
		Report:   func(d analysis.Diagnostic) { diags = append(diags, d) },
		AllPackageFacts: func() (out []analysis.PackageFact) {
			for _, path := range slices.Sorted(maps.Keys(facts)) {
				if s, err := DecodeSummary(facts[path]); err == nil {
					out = append(out, analysis.PackageFact{Package: types.NewPackage(path, s.Name), Fact: s})
				}
			}
			return out
		},
		ExportPackageFact: func(f analysis.Fact) {
			if data, err := f.(*Summary).Encode(); err == nil {
				facts[pkg.Path()] = data
			}
		},
	}
	if u.VetxOnly && len(looked(pass)) > 0 {
		_, err = summariseFor(pass)
		return 0, errors.Join(err, u.finish(facts, nil))
	}
	_, err = run(pass)
	switch {
	case u.json && err != nil:
		return 0, u.finish(facts, map[string]string{"error": err.Error()})
	case u.json && len(diags) > 0:
		return 0, u.finish(facts, jsonDiagnostics(fset, diags))
	case err != nil:
		return 0, err
	}
	for _, d := range diags {
		fmt.Fprintf(stderr, "%s: %s\n", fset.Position(d.Pos), d.Message)
		for _, r := range d.Related {
			fmt.Fprintf(stderr, "%s: \t%s\n", fset.Position(r.Pos), r.Message)
		}
		code = 1
	}
	return code, u.finish(facts, nil)
}

// finish writes what the go command keeps of the run: facts for importers, and what was
// found, in the form of unitchecker: by package, by analyzer.
func (u *unit) finish(facts map[string][]byte, found any) error {
	if u.Stdout != "" || u.json {
		var out []byte
		if u.json && !u.VetxOnly {
			tree := map[string]map[string]any{}
			if found != nil {
				tree[u.ID] = map[string]any{Analyzer.Name: found}
			}
			data, err := json.MarshalIndent(tree, "", "\t")
			if err != nil {
				return err
			}
			out = append(data, '\n')
		}
		if u.Stdout == "" {
			if _, err := os.Stdout.Write(out); err != nil {
				return err
			}
		} else if err := os.WriteFile(u.Stdout, out, 0o666); err != nil {
			return err
		}
	}
	if u.VetxOutput == "" {
		return nil
	}
	return os.WriteFile(u.VetxOutput, encodeFacts(facts), 0o666)
}

// A jsonDiagnostic is the JSON form that unitchecker gives a diagnostic.
type jsonDiagnostic struct {
	Category string        `json:"category,omitempty"`
	Posn     string        `json:"posn"`
	End      string        `json:"end"`
	Message  string        `json:"message"`
	Related  []jsonRelated `json:"related,omitempty"`
}

type jsonRelated struct {
	Posn    string `json:"posn"`
	End     string `json:"end"`
	Message string `json:"message"`
}

func jsonDiagnostics(fset *token.FileSet, diags []analysis.Diagnostic) []jsonDiagnostic {
	var out []jsonDiagnostic
	for _, d := range diags {
		at := fset.Position(d.Pos).String()
		j := jsonDiagnostic{Category: d.Category, Posn: at, End: at, Message: d.Message}
		for _, r := range d.Related {
			at := fset.Position(r.Pos).String()
			j.Related = append(j.Related, jsonRelated{at, at, r.Message})
		}
		out = append(out, j)
	}
	return out
}

// check parses and type-checks the package.
func (u *unit) check(fset *token.FileSet) ([]*ast.File, *types.Package, *types.Info, error) {
	var files []*ast.File
	for _, name := range u.GoFiles {
		f, err := parser.ParseFile(fset, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, nil, nil, err
		}
		files = append(files, f)
	}
	deps := &exportImporter{fset: fset, files: u.PackageFile, pkgs: map[string]*types.Package{"unsafe": types.Unsafe}}
	conf := types.Config{
		Importer: importerFunc(func(path string) (*types.Package, error) {
			if as, ok := u.ImportMap[path]; ok {
				path = as
			}
			return deps.Import(path)
		}),
		Sizes:     types.SizesFor("gc", build.Default.GOARCH),
		GoVersion: u.GoVersion,
	}
	info := newInfo(files)
	pkg, err := conf.Check(u.ImportPath, fset, files, info)
	return files, pkg, info, err
}

// Facts, between runs of the tool, are a list of import paths and encoded summaries, those
// of everything that a package imports from its module included. Packages of others have
// an empty file.
const factsMagic = "mapmigrate facts 1\n"

func encodeFacts(facts map[string][]byte) []byte {
	if len(facts) == 0 {
		return nil
	}
	out := []byte(factsMagic)
	for _, path := range slices.Sorted(maps.Keys(facts)) {
		for _, part := range []string{path, string(facts[path])} {
			out = binary.AppendUvarint(out, uint64(len(part)))
			out = append(out, part...)
		}
	}
	return out
}

// readFacts reads the encoded summaries of all that the package imports.
func (u *unit) readFacts() (map[string][]byte, error) {
	facts := map[string][]byte{}
	for _, path := range slices.Sorted(maps.Keys(u.PackageVetx)) {
		data, err := os.ReadFile(u.PackageVetx[path])
		if err != nil {
			return nil, err
		}
		if len(data) == 0 {
			continue
		}
		rest, ok := strings.CutPrefix(string(data), factsMagic)
		for ok && rest != "" {
			var parts [2]string
			for i := range parts {
				n, used := binary.Uvarint([]byte(rest[:min(len(rest), binary.MaxVarintLen64)]))
				if ok = used > 0 && n <= uint64(len(rest)-used); !ok {
					break
				}
				parts[i], rest = rest[used:used+int(n)], rest[used+int(n):]
			}
			if ok {
				facts[parts[0]] = []byte(parts[1])
			}
		}
		if !ok {
			return nil, fmt.Errorf("facts of %s: not written by this version of mapmigrate", path)
		}
	}
	return facts, nil
}

// firstPartyFile reports whether a file is the user's own: neither in the module cache nor
// in GOROOT.
func firstPartyFile(name string) bool {
	return !strings.Contains(filepath.ToSlash(name), "/pkg/mod/") && !strings.HasPrefix(name, "$GOROOT") &&
		!strings.HasPrefix(name, build.Default.GOROOT+string(filepath.Separator))
}
