// This file asks whether code that works with a copy of the map would see the difference.

package rewrite

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"

	"github.com/mapmigrate/mapmigrate/detect"
)

// stale reports whether a loop over a copy of the map might do other things than one over the map.
func (t *taking) stale(fi *fileInfo, s *ast.RangeStmt) bool {
	value, ok := s.Value.(*ast.Ident)
	return t.differs(fi, s.Body, s.Value != nil && !(ok && value.Name == "_"))
}

// differs reports whether code may see that it has a copy of the map, because it changes the map, or
// those do whom it calls or waits for: a loop over the map does not come to what is deleted
// meanwhile, and who looks at values sees what is stored.
func (t *taking) differs(fi *fileInfo, n ast.Node, values bool) bool {
	if t.changes(fi, n) {
		return true
	}
	matters := slices.ContainsFunc(t.m.Accesses, func(a detect.Access) bool {
		return a.Op == detect.Delete || a.Op == detect.Clear || values && a.Op.Mutates() && !a.Test
	})
	return matters && t.walk(fi, n, func(fi *fileInfo, n ast.Node) bool { return t.callsBack(fi, n) || waitsForOthers(fi, n) })
}

// callsBack reports whether a node calls code that is not known by name, and may change the map: a
// function value, or a method of the module by way of an interface, be it in a library.
func (t *taking) callsBack(fi *fileInfo, n ast.Node) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok || fi.isConversion(call) || fi.builtin(call) != "" {
		return false
	}
	fn := fi.callee(call)
	if fn == nil {
		_, lit := ast.Unparen(call.Fun).(*ast.FuncLit)
		return !lit
	}
	if decl, _ := t.ix.funcDecl(fn); decl != nil || fn.Pkg() != nil && quietPackages[fn.Pkg().Path()] && !takesCode(fn) {
		return false
	}
	if fn.Pkg() != nil && slices.Contains(runRegistered[fn.Pkg().Path()], fn.Name()) {
		return true
	}
	asked := map[string]bool{fn.Name(): true}
	for _, a := range call.Args {
		switch u := fi.pkg.Info.TypeOf(a).Underlying().(type) {
		case *types.Signature:
			if _, lit := ast.Unparen(a).(*ast.FuncLit); !lit && !isFuncName(fi, a) {
				return true // whichever it is
			}
		case *types.Interface:
			for m := range u.Methods() {
				asked[m.Name()] = true
			}
		}
	}
	for i, a := range call.Args {
		for _, m := range askedOf(fi, fn, i, a) {
			asked[m.Name()] = true
		}
	}
	return slices.ContainsFunc(t.changers(), func(name string) bool { return asked[name] || comesBack[name] })
}

// runRegistered are functions of libraries that run what they, or others far away, were given before:
// handlers, functions of templates, flags and pools.
var runRegistered = map[string][]string{
	"net/http": {"ServeHTTP", "Do", "Get", "Head", "Post", "PostForm", "RoundTrip"}, "net/rpc": {"Call"},
	"text/template": {"Execute", "ExecuteTemplate"}, "html/template": {"Execute", "ExecuteTemplate"},
	"flag": {"Parse", "Set"}, "sync": {"Get"}, "expvar": {"Do", "String", "Value"}, "reflect": {"Call", "CallSlice"},
	"bufio": {"Scan"}, "encoding/gob": {"Decode", "Encode"}, "encoding/xml": {"Marshal", "MarshalIndent", "Unmarshal", "Encode", "Decode"},
	"log/slog": {"With", "WithGroup"}, "runtime": {"Gosched"},
}

// isFuncName reports whether x is no more than a function's name.
func isFuncName(fi *fileInfo, x ast.Expr) bool {
	id := mapVarOf(fi, x)
	if id == nil {
		return false
	}
	_, ok := fi.object(id).(*types.Func)
	return ok
}

// changers returns the names of the methods that interfaces have and that change the map, in
// themselves or in what they call.
func (t *taking) changers() []string {
	if t.changing != nil {
		return t.changing
	}
	t.changing = []string{}
	for _, fi := range t.ix.list {
		for _, d := range fi.syntax.Decls {
			if decl, ok := d.(*ast.FuncDecl); ok && t.isAsked(fi, decl) && t.reaches(fi, decl, t.mutating()) {
				t.changing = append(t.changing, decl.Name.Name)
			}
		}
	}
	return t.changing
}

// isAsked reports whether a function is a method that some interface has.
func (t *taking) isAsked(fi *fileInfo, decl *ast.FuncDecl) bool {
	fn, ok := fi.pkg.Info.Defs[decl.Name].(*types.Func)
	return ok && decl.Recv != nil && t.ix.asked(fn)
}

// mutating returns the functions that change the map.
func (t *taking) mutating() map[*ast.FuncDecl]bool {
	if t.mutators != nil {
		return t.mutators
	}
	t.mutators = map[*ast.FuncDecl]bool{}
	for _, a := range t.m.Accesses {
		pos := t.ix.at(a.Pos)
		home := t.ix.fileAt(pos)
		if !a.Op.Mutates() || !pos.IsValid() || home == nil {
			continue
		}
		for _, x := range home.enclosingPath(pos) {
			if decl, ok := x.(*ast.FuncDecl); ok {
				t.mutators[decl] = true
			}
		}
	}
	return t.mutators
}

// changes reports whether code may change the map, in itself or in functions that it names: a
// copy would not show that.
func (t *taking) changes(fi *fileInfo, n ast.Node) bool {
	return slices.ContainsFunc(t.m.Accesses, func(a detect.Access) bool {
		pos := t.ix.at(a.Pos)
		return a.Op.Mutates() && n.Pos() <= pos && pos < n.End()
	}) || t.walk(fi, n, func(_ *fileInfo, n ast.Node) bool {
		decl, ok := n.(*ast.FuncDecl)
		return ok && t.mutating()[decl]
	})
}

// reaches reports whether a function is one of some, or names one, be it in functions that it names.
func (t *taking) reaches(fi *fileInfo, decl *ast.FuncDecl, goals map[*ast.FuncDecl]bool) bool {
	return goals[decl] || t.walk(fi, decl, func(_ *fileInfo, n ast.Node) bool {
		d, ok := n.(*ast.FuncDecl)
		return ok && goals[d]
	})
}

// walk looks at the nodes of n, and of the functions of the module that are named there, each once,
// until is reports true. A function that is named may be called, if not here.
func (t *taking) walk(fi *fileInfo, n ast.Node, is func(*fileInfo, ast.Node) bool) bool {
	seen := map[*ast.FuncDecl]bool{}
	var visit func(fi *fileInfo, n ast.Node) bool
	visit = func(fi *fileInfo, n ast.Node) (found bool) {
		ast.Inspect(n, func(n ast.Node) bool {
			if found || n == nil {
				return false
			}
			if found = is(fi, n); found {
				return false
			}
			if id, ok := n.(*ast.Ident); ok {
				fn, _ := fi.pkg.Info.Uses[id].(*types.Func)
				if decl, home := t.ix.funcDecl(fn); decl != nil && home != nil && !seen[decl] {
					seen[decl] = true
					found = visit(home, decl)
				}
			}
			return !found
		})
		return found
	}
	return visit(fi, n)
}

// waitsForOthers reports whether a node waits for other goroutines.
func waitsForOthers(fi *fileInfo, n ast.Node) bool {
	switch n := n.(type) {
	case *ast.UnaryExpr:
		return n.Op == token.ARROW
	case *ast.SelectStmt, *ast.SendStmt:
		return true
	case *ast.RangeStmt:
		_, channel := core(fi.pkg.Info.TypeOf(n.X)).(*types.Chan)
		return channel
	case *ast.CallExpr:
		fn := fi.callee(n)
		return fn != nil && (fn.Name() == "Wait" || fn.FullName() == "time.Sleep")
	}
	return false
}
