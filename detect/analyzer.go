// This file is the go/analysis face of detection: the same summaries, as package facts.

package detect

import (
	"go/build"
	"go/token"
	"path/filepath"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/buildssa"
)

// Analyzer reports maps that goroutines share without a consistent guard. It sees a
// package and what it imports; `mapmigrate plan` sees the importers too.
var Analyzer = &analysis.Analyzer{
	Name:      "sharedmap",
	Doc:       "sharedmap: report maps that goroutines share without a consistent guard",
	URL:       docURL,
	Requires:  []*analysis.Analyzer{buildssa.Analyzer},
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
	if !firstParty(pass) {
		return nil, nil
	}
	mod, err := moduleOf(pass)
	if err != nil {
		return nil, err
	}
	in := pass.ResultOf[buildssa.Analyzer].(*buildssa.SSA)
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
	srcFuncs := in.SrcFuncs
	if f := in.Pkg.Func("init"); f != nil {
		srcFuncs = append(srcFuncs[:len(srcFuncs):len(srcFuncs)], f)
		srcFuncs = append(srcFuncs, f.AnonFuncs...)
	}
	s := summarise(pass.Fset, pass.Pkg, pass.TypesInfo, pass.Files, srcFuncs, mod.set.Knowledge,
		func(p string) bool { return own[p] }, func(k string) *FuncInfo { return funcs[k] })
	pass.ExportPackageFact(s)
	sums = append(sums, s)
	sortSummaries(sums)
	tests := withTests || strings.HasSuffix(pass.Pkg.Path(), "_test")
	res := Link(sums, Options{Tests: tests, Knowledge: mod.set.Knowledge})
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

// firstParty reports whether a package belongs to the code that the user works on: its
// files are neither in the module cache nor in GOROOT.
func firstParty(pass *analysis.Pass) bool {
	if len(pass.Files) == 0 || pass.Module != nil && pass.Module.Path != "" && pass.Module.Version != "" {
		return false
	}
	name := pass.Fset.File(pass.Files[0].FileStart).Name()
	return !strings.Contains(name, "/pkg/mod/") && !strings.HasPrefix(name, "$GOROOT") &&
		!strings.HasPrefix(name, build.Default.GOROOT+string(filepath.Separator))
}
