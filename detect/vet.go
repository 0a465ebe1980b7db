// This file holds what the analyzer does beyond linking: the module's configuration, and
// directives without an effect.

package detect

import (
	"os"
	"path/filepath"

	"go/token"

	"golang.org/x/tools/go/analysis"
)

var (
	configFile string
	allUnused  bool
)

func init() {
	Analyzer.Flags.StringVar(&configFile, "config", "", "read this configuration instead of the module's "+ConfigFile)
	Analyzer.Flags.BoolVar(&allUnused, "unused", false, "report every //mapmigrate:ignore that hides nothing here, also where a package that imports this one might need it")
}

// A vetModule is the module of a package under vet: its root and its configuration.
type vetModule struct {
	root string // "" when it is not to be found, as in a build sandbox
	set  *Settings
}

// moduleOf finds the module of a pass. A configuration that cannot be used is an error:
// findings that it should have kept away would be false.
func moduleOf(pass *analysis.Pass) (vetModule, error) {
	m := vetModule{set: &Settings{}}
	if len(pass.Files) > 0 {
		m.root = rootOf(filepath.Dir(pass.Fset.File(pass.Files[0].FileStart).Name()))
	}
	var err error
	switch {
	case configFile != "":
		m.set, err = ReadSettings(configFile)
	case m.root != "":
		m.set, err = FindSettings(m.root)
	}
	if err != nil {
		return m, err
	}
	if s, ok := m.set.Plan["min-confidence"]; ok && Confidence(s.Value).Rank() < 0 {
		return m, &ConfigError{m.set.File, s.Line, "plan.min-confidence: use low, medium, high or confirmed"}
	}
	return m, nil
}

// rootOf returns the folder of the go.mod that dir lies under, or "".
func rootOf(dir string) string {
	if !filepath.IsAbs(dir) {
		return ""
	}
	for ; ; dir = filepath.Dir(dir) {
		if fi, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil && !fi.IsDir() {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}

// ignores reports whether the configuration leaves the maps of a file out.
func (m vetModule) ignores(file string) bool {
	rel, err := filepath.Rel(m.root, file)
	return err == nil && m.root != "" && m.set.Ignores(filepath.ToSlash(rel))
}

// confidence is the least one to report: the flag's, unless only the configuration sets one.
func (m vetModule) confidence() Confidence {
	if s, ok := m.set.Plan["min-confidence"]; ok && minConfidence == string(Medium) {
		return Confidence(s.Value)
	}
	return Confidence(minConfidence)
}

// reportProblems reports the directives of this package that do nothing. Where an importer
// may bring the other goroutine, an unused one is not certain: then -sharedmap.unused decides.
func reportProblems(pass *analysis.Pass, m vetModule, problems []Problem, at func(token.Position) token.Pos) {
	for _, p := range problems {
		if p.Package != pass.Pkg.Path() || m.ignores(p.Pos.Filename) {
			continue
		}
		if p.Partial && pass.Pkg.Name() != "main" && !allUnused {
			continue
		}
		if pos := at(p.Pos); pos.IsValid() {
			pass.Report(analysis.Diagnostic{Pos: pos, Category: p.Code, Message: p.Message, URL: docURL + "#hdr-Rules"})
		}
	}
}
