// This file is the go/analysis face of detection: the same summaries, as package facts.

package detect

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Analyzer reports maps that goroutines share without a consistent guard. It sees a
// package and what it imports; `mapmigrate plan` sees the importers too, and finds more: with
// Analyzer, an exported function that nobody in sight calls is only perhaps concurrent.
//
// It needs nothing of other analyzers, and exports one fact per package of the user's own
// (Summary); packages in the module cache and in GOROOT have none and cost nothing but what
// the driver spends on them. Its flags are min-confidence, tests, unused and config.
//
// # go vet
//
//	go vet -vettool=$(which mapmigrate) ./...
//	go vet -vettool=$(which mapmigrate) -sharedmap.min-confidence=high ./...
//
// # Bazel, nogo
//
//	nogo(
//	    name = "nogo",
//	    deps = ["@com_github_mapmigrate_mapmigrate//detect/nogo"],
//	)
//
// where the package of that label, which nogo wants to have a variable named Analyzer, is
//
//	package nogo
//
//	import "github.com/mapmigrate/mapmigrate/detect"
//
//	var Analyzer = detect.Analyzer
//
// # golangci-lint
//
// As a module plugin: a package whose init calls register.Plugin of
// github.com/golangci/plugin-module-register with
//
//	func (plugin) BuildAnalyzers() ([]*analysis.Analyzer, error) { return []*analysis.Analyzer{detect.Analyzer}, nil }
//	func (plugin) GetLoadMode() string                           { return register.LoadModeTypesInfo }
//
// named in .custom-gcl.yml. LoadModeTypesInfo is necessary: facts do not flow without it.
var Analyzer = &analysis.Analyzer{
	Name:      "sharedmap",
	Doc:       "sharedmap: report maps that goroutines share without a consistent guard",
	URL:       docURL,
	FactTypes: []analysis.Fact{(*Summary)(nil)},
	Run:       run,
}

const docURL = "https://pkg.go.dev/github.com/mapmigrate/mapmigrate/detect"

var (
	minConfidence = string(Medium)
	withTests     bool
)

func init() {
	Analyzer.Flags.StringVar(&minConfidence, "min-confidence", string(Medium), "report findings of at least this confidence: high, medium or low")
	Analyzer.Flags.BoolVar(&withTests, "tests", false, "report test files too")
}

func run(pass *analysis.Pass) (any, error) {
	if !firstParty(pass) || len(looked(pass)) == 0 {
		return nil, nil
	}
	mod, err := moduleOf(pass)
	if err != nil {
		return nil, err
	}
	sums, err := summariseFor(pass)
	if err != nil {
		return nil, err
	}
	sortSummaries(sums)
	res := Link(sums, Options{Tests: withTests, Knowledge: mod.set.Knowledge})
	files := map[string]*token.File{}
	for _, f := range pass.Files {
		tf := pass.Fset.File(f.FileStart)
		files[tf.Name()] = tf
	}
	at := func(p token.Position) token.Pos {
		tf := files[p.Filename]
		if tf == nil || p.Offset > tf.Size() {
			return token.NoPos
		}
		return tf.Pos(p.Offset)
	}
	reportProblems(pass, mod, res.Problems, at)
	for _, m := range res.Maps {
		if mod.ignores(m.Pos.Filename) {
			continue
		}
		for _, f := range m.Findings {
			if f.Category.Quiet() || f.Confidence.Rank() < mod.confidence().Rank() || len(f.Accesses) == 0 {
				continue
			}
			pos := at(f.Accesses[0].Pos)
			if !pos.IsValid() {
				continue // reported where that access is
			}
			d := analysis.Diagnostic{Pos: pos, Category: string(f.Category), Message: f.Message, URL: docURL + "#hdr-" + string(f.Category)}
			for _, a := range f.Accesses {
				for _, st := range a.Path {
					if p := at(st.Pos); p.IsValid() {
						d.Related = append(d.Related, analysis.RelatedInformation{Pos: p, Message: st.Note})
					}
				}
			}
			pass.Report(d)
		}
	}
	return nil, nil
}

// looked returns the files to look at. Tests are often most of a package, and what they do
// to maps is not reported unless it is asked for.
func looked(pass *analysis.Pass) []*ast.File {
	if withTests {
		return pass.Files
	}
	return slices.DeleteFunc(slices.Clone(pass.Files), func(f *ast.File) bool {
		return strings.HasSuffix(pass.Fset.File(f.FileStart).Name(), "_test.go")
	})
}

// summariseFor exports the summary of a pass's package, and returns it behind those of what
// the package imports.
func summariseFor(pass *analysis.Pass) ([]*Summary, error) {
	mod, err := moduleOf(pass)
	if err != nil {
		return nil, err
	}
	var sums []*Summary
	funcs := map[string]*FuncInfo{}
	own := map[string]bool{pass.Pkg.Path(): true}
	for _, f := range pass.AllPackageFacts() {
		s, ok := f.Fact.(*Summary)
		if !ok {
			continue
		}
		own[s.Package] = true
		sums = append(sums, s)
		for _, fi := range s.Funcs {
			funcs[fi.Key] = fi
		}
	}
	files := looked(pass)
	srcFuncs := buildSSA(pass.Fset, pass.Pkg, files, pass.TypesInfo)
	s := summarise(pass.Fset, pass.Pkg, pass.TypesInfo, files, srcFuncs, mod.set.Knowledge,
		func(p string) bool { return own[p] }, func(k string) *FuncInfo { return funcs[k] })
	pass.ExportPackageFact(s)
	return append(sums, s), nil
}

// firstParty reports whether a package belongs to the code that the user works on: its
// files are neither in the module cache nor in GOROOT.
func firstParty(pass *analysis.Pass) bool {
	if len(pass.Files) == 0 || pass.Module != nil && pass.Module.Path != "" && pass.Module.Version != "" {
		return false
	}
	return firstPartyFile(pass.Fset.File(pass.Files[0].FileStart).Name())
}
