// This file reads the comments that speak to mapmigrate.
//
//	//mapmigrate:ignore REASON      on a map's declaration, or on an access
//	//mapmigrate:guardedby LOCK     on a map's declaration
//
// They stand at the end of the line they are about, or alone above it. A directive that
// says nothing that can be used is a Problem, never an error: the program is sound without.

package detect

import (
	"go/ast"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/tools/go/ssa"
)

// Verbs of directives. A hint is no directive but a sentence that people write ("guarded by
// mu"): it decides between locks that are held equally often and asserts nothing.
const (
	verbIgnore  = "ignore"
	verbGuarded = "guardedby"
	verbHint    = "hint"
)

// A DirectiveInfo is one directive as a summary carries it: linking needs no comments.
type DirectiveInfo struct {
	Verb  string
	Text  string // the reason, or the lock as it is written
	Pos   Pos    // of the comment
	Line  int32  // the line it is about
	Test  bool   // in code of tests (rule C8)
	Maps  []string
	Spans []Span   // of the source, in which accesses are meant; for ignore
	Locks []string // keys under which linking knows the lock; for guardedby and hint
	Wrong string   // why it cannot be used: a Problem's code, "" if it can
	Why   string   // and in words
}

// A Span is a part [Start, End) of a file, in bytes.
type Span struct{ Start, End int32 }

// The codes of problems.
const (
	MissingReason      = "missing-reason"
	UnusedIgnore       = "unused-ignore"
	UnknownLock        = "unknown-lock"
	MisplacedDirective = "misplaced-directive"
	MalformedDirective = "malformed-directive"
)

// A Problem is a directive that does not do what its writer wants.
type Problem struct {
	Code    string // one of the constants above
	Message string
	Pos     token.Position // of the comment
	Package string         // import path
	// Partial: only the whole module can tell. A caller that sees one package and what it
	// imports cannot, because an importer may start the goroutine.
	Partial bool
}

var (
	directiveRx = regexp.MustCompile(`^//mapmigrate:([A-Za-z]*)(?:\s+(.*))?$`)
	almostRx    = regexp.MustCompile(`^(?://\s+|/\*\s*)mapmigrate:(ignore|guardedby)\b`)
	checklockRx = regexp.MustCompile(`^//\s?\+checklocks:(\S+)\s*$`)
	hintRx      = regexp.MustCompile(`(?i)\b(?:guarded|protected)[ -]by:?\s+(?:the\s+)?([A-Za-z_][\w.]*\w)`)
)

// directives reads the directives of a package's files. It runs after inventory, which has
// named the fields; what concerns local variables is completed by bindLocals.
func (b *builder) directives(files []*ast.File) {
	for _, file := range files {
		var r *directiveReader
		for _, group := range file.Comments {
			for _, c := range group.List {
				if !strings.Contains(c.Text, "mapmigrate:") && !strings.Contains(c.Text, "+checklocks:") && !strings.Contains(c.Text, "ed by") && !strings.Contains(c.Text, "ed-by") {
					continue
				}
				d, ok := parseDirective(c.Text)
				if !ok {
					continue
				}
				if r == nil {
					r = b.newDirectiveReader(file)
				}
				r.read(d, group, c)
			}
		}
	}
}

// parseDirective reads one comment.
func parseDirective(text string) (DirectiveInfo, bool) {
	if m := directiveRx.FindStringSubmatch(text); m != nil {
		// A comment may follow: //mapmigrate:ignore reason // TODO(me): …
		said, _, _ := strings.Cut(" "+m[2], " // ")
		d := DirectiveInfo{Verb: m[1], Text: strings.TrimSpace(said)}
		switch {
		case d.Verb == verbIgnore && d.Text == "":
			d.Wrong, d.Why = MissingReason, "//mapmigrate:ignore needs a reason: //mapmigrate:ignore WHY this is safe; without one it has no effect"
		case d.Verb == verbGuarded && d.Text == "":
			d.Wrong, d.Why = MalformedDirective, "//mapmigrate:guardedby needs the name of a lock"
		case d.Verb == verbGuarded:
			d.Text = strings.Fields(d.Text)[0]
		case d.Verb != verbIgnore:
			d.Wrong, d.Why = MalformedDirective, "unknown directive //mapmigrate:"+d.Verb+": there are ignore and guardedby"
		}
		return d, true
	}
	if m := almostRx.FindStringSubmatch(text); m != nil {
		return DirectiveInfo{Verb: m[1], Wrong: MalformedDirective, Why: "this has no effect: a directive begins with //mapmigrate: (no space), up to the end of the line"}, true
	}
	if m := checklockRx.FindStringSubmatch(text); m != nil {
		return DirectiveInfo{Verb: verbGuarded, Text: m[1], Wrong: "checklocks"}, true
	}
	if m := hintRx.FindStringSubmatch(text); m != nil {
		return DirectiveInfo{Verb: verbHint, Text: m[1]}, true
	}
	return DirectiveInfo{}, false
}

// A directiveReader finds out what the directives of one file are about.
type directiveReader struct {
	b     *builder
	file  *ast.File
	code  map[int]token.Pos // where the code of a line begins
	decls []mapVar
	stmts map[int][]ast.Node // statements by the line on which they begin, outermost first
	vars  map[int]*ast.GenDecl
}

// A mapVar is a declared variable or field whose type is a map.
type mapVar struct {
	obj   *types.Var
	id    *ast.Ident
	owner *types.Struct // nil unless it is a field
}

func (b *builder) newDirectiveReader(file *ast.File) *directiveReader {
	r := &directiveReader{b: b, file: file, code: map[int]token.Pos{}, stmts: map[int][]ast.Node{}, vars: map[int]*ast.GenDecl{}}
	line := func(p token.Pos) int { return b.fset.PositionFor(p, false).Line }
	see := func(p token.Pos) {
		if at, ok := r.code[line(p)]; p.IsValid() && (!ok || p < at) {
			r.code[line(p)] = p
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case nil, *ast.CommentGroup, *ast.Comment:
			return false
		case *ast.File:
			return true // its Pos is the package clause's
		case *ast.StructType:
			r.fields(n)
		case *ast.GenDecl:
			if n.Tok == token.VAR {
				r.vars[line(n.Pos())] = n
			}
		case *ast.Ident:
			if v, ok := b.info.Defs[n].(*types.Var); ok && !v.IsField() && isMap(v.Type()) {
				r.decls = append(r.decls, mapVar{obj: v, id: n})
			}
		}
		see(n.Pos())
		see(n.End() - 1)
		if _, ok := n.(ast.Stmt); ok {
			r.stmts[line(n.Pos())] = append(r.stmts[line(n.Pos())], n)
		} else if _, ok := n.(*ast.ValueSpec); ok {
			r.stmts[line(n.Pos())] = append(r.stmts[line(n.Pos())], n)
		}
		return true
	})
	return r
}

// fields notes the map fields of a struct type.
func (r *directiveReader) fields(n *ast.StructType) {
	st, ok := r.b.info.TypeOf(n).(*types.Struct)
	if !ok {
		return
	}
	i := 0
	for _, f := range n.Fields.List {
		ids := f.Names
		if len(ids) == 0 {
			ids = []*ast.Ident{embeddedName(f.Type)}
		}
		for _, id := range ids {
			if i < st.NumFields() && id != nil && isMap(st.Field(i).Type()) {
				r.decls = append(r.decls, mapVar{st.Field(i), id, st})
			}
			i++
		}
	}
}

// read files one directive with what it is about.
func (r *directiveReader) read(d DirectiveInfo, group *ast.CommentGroup, c *ast.Comment) {
	b := r.b
	line := func(p token.Pos) int { return b.fset.PositionFor(p, false).Line }
	checklocks := d.Wrong == "checklocks"
	if checklocks {
		d.Wrong = ""
	}
	target := line(group.End()) + 1
	if at, ok := r.code[line(c.Pos())]; ok && at < c.Pos() {
		target = line(c.Pos())
	}
	vars := r.declared(target)
	if d.Verb == verbHint && len(vars) == 0 {
		return
	}
	d.Pos, d.Line = b.pos(c.Pos()), int32(target)
	d.Test = b.tests[b.fset.PositionFor(c.Pos(), false).Filename]
	for _, v := range vars {
		if k := r.key(v); k != "" {
			d.Maps = append(d.Maps, k)
		} else {
			b.wantLocal(v.obj.Pos()).maps = append(b.wantLocal(v.obj.Pos()).maps, len(b.sum.Directives))
		}
	}
	if d.Wrong == "" {
		switch d.Verb {
		case verbIgnore:
			d.Spans = r.spans(target)
		default:
			if len(vars) == 0 {
				if checklocks {
					return // on something that is no map: not our business
				}
				d.Wrong, d.Why = MisplacedDirective, "//mapmigrate:guardedby is on no declaration of a map"
				break
			}
			r.lock(&d, vars[0])
			if d.Wrong != "" && (checklocks || d.Verb == verbHint) {
				return // written for another tool, or for people
			}
		}
	}
	b.sum.Directives = append(b.sum.Directives, d)
}

// declared returns the map variables that a line declares, or that a var block does which
// begins on it.
func (r *directiveReader) declared(line int) []mapVar {
	var out []mapVar
	block := r.vars[line]
	for _, v := range r.decls {
		inBlock := block != nil && block.Lparen.IsValid() && block.Pos() <= v.id.Pos() && v.id.Pos() < block.End() && v.owner == nil
		if r.b.fset.PositionFor(v.id.Pos(), false).Line == line || inBlock {
			out = append(out, v)
		}
	}
	return out
}

// key returns the key of a package variable or field; "" for a local variable, whose key
// only its function's summary knows.
func (r *directiveReader) key(v mapVar) string {
	switch {
	case v.owner != nil:
		return r.b.names.keys[v.obj]
	case v.obj.Parent() == r.b.pkg.Scope():
		return r.b.pkg.Path() + "." + v.obj.Name()
	}
	return ""
}

// spans returns the parts of the source in which the accesses lie that a directive about
// this line means: the line, and the statements that begin on it, without the bodies of
// blocks and function literals.
//
//	//mapmigrate:ignore the workers have stopped
//	for id, job := range s.jobs {   // this access
//		delete(s.failed, id)        // not this one
//	}
func (r *directiveReader) spans(line int) []Span {
	tf := r.b.fset.File(r.file.FileStart)
	if line > tf.LineCount() {
		return nil
	}
	end := tf.Size()
	if line < tf.LineCount() {
		end = tf.Offset(tf.LineStart(line + 1))
	}
	out := []Span{{int32(tf.Offset(tf.LineStart(line))), int32(end)}}
	for _, n := range r.stmts[line] {
		from, to := n.Pos(), n.End()
		switch n := n.(type) {
		case *ast.BlockStmt:
			continue
		case *ast.LabeledStmt:
			to = n.Colon
		case *ast.IfStmt:
			to = n.Body.Lbrace
		case *ast.ForStmt:
			to = n.Body.Lbrace
		case *ast.RangeStmt:
			to = n.Body.Lbrace
		case *ast.SwitchStmt:
			to = n.Body.Lbrace
		case *ast.TypeSwitchStmt:
			to = n.Body.Lbrace
		case *ast.SelectStmt:
			to = n.Body.Lbrace
		case *ast.CaseClause:
			to = n.Colon
		case *ast.CommClause:
			to = n.Colon
		}
		ast.Inspect(n, func(m ast.Node) bool {
			lit, ok := m.(*ast.FuncLit)
			if !ok || lit.Body.Lbrace >= to {
				return true
			}
			out = append(out, Span{int32(tf.Offset(from)), int32(tf.Offset(lit.Body.Lbrace))})
			from = lit.Body.Rbrace
			return false
		})
		if from < to {
			out = append(out, Span{int32(tf.Offset(from)), int32(tf.Offset(to))})
		}
	}
	return out
}

// lock resolves the lock that a directive names, as seen from the map's declaration:
// a field of the same struct, or a path of fields from there ("mu", "parent.mu", also
// through a method's receiver name, "s.mu"); else a variable in scope, or a type of the
// package ("mu", "state.mu", "Registry.mu"; rule D5).
func (r *directiveReader) lock(d *DirectiveInfo, v mapVar) {
	segs := strings.Split(strings.TrimLeft(d.Text, "&*"), ".")
	bad := func(why string) {
		d.Wrong, d.Why = UnknownLock, "//mapmigrate:guardedby "+d.Text+": "+why
	}
	if v.owner != nil {
		for _, path := range [][]string{segs, r.withoutReceiver(segs, v.owner)} {
			if len(path) == 0 {
				continue
			}
			if t, key := r.follow(v.owner, path); key != "" {
				r.lockKeys(d, t, key, bad)
				return
			}
		}
	}
	scope := r.b.pkg.Scope()
	if v.owner == nil && v.obj.Parent() != nil {
		scope = v.obj.Parent()
	}
	_, obj := scope.LookupParent(segs[0], v.id.Pos())
	if obj == nil && scope == r.b.pkg.Scope() { // an import is known to its file only
		if s := r.b.info.Scopes[r.file]; s != nil {
			obj = s.Lookup(segs[0])
		}
	}
	if name, ok := obj.(*types.PkgName); ok && len(segs) > 1 {
		obj, segs = name.Imported().Scope().Lookup(segs[1]), segs[1:]
	}
	if obj == nil {
		if v.owner != nil {
			bad("neither the struct nor the package has it")
		} else {
			bad("there is no such variable here")
		}
		return
	}
	if len(segs) > 1 {
		if t, key := r.follow(obj.Type(), segs[1:]); key != "" {
			r.lockKeys(d, t, key, bad)
			return
		}
		bad(segs[0] + " has no such field")
		return
	}
	if _, ok := obj.(*types.Var); !ok {
		bad(segs[0] + " is no variable")
		return
	}
	if obj.Pkg() != nil && obj.Parent() == obj.Pkg().Scope() {
		r.lockKeys(d, obj.Type(), obj.Pkg().Path()+"."+obj.Name(), bad)
		return
	}
	if !r.b.know.isLock(obj.Type()) {
		bad("it is no lock: it has no Lock and Unlock")
		return
	}
	w := r.b.wantLocal(obj.Pos())
	w.locks = append(w.locks, len(r.b.sum.Directives))
}

// withoutReceiver drops the name that the methods of the struct's type give their receiver.
func (r *directiveReader) withoutReceiver(segs []string, st *types.Struct) []string {
	scope := r.b.pkg.Scope()
	for _, name := range scope.Names() {
		tn, ok := scope.Lookup(name).(*types.TypeName)
		if !ok {
			continue
		}
		named, ok := tn.Type().(*types.Named)
		if !ok || named.Underlying() != st {
			continue
		}
		for m := range named.Methods() {
			if m.Signature().Recv().Name() == segs[0] {
				return segs[1:]
			}
		}
	}
	return nil
}

// follow walks fields, promoted ones too, and returns the last one's type and key, "" if
// there is no such field.
func (r *directiveReader) follow(t types.Type, path []string) (types.Type, string) {
	key := ""
	for _, name := range path {
		obj, index, _ := types.LookupFieldOrMethod(deref(t), true, r.b.pkg, name)
		if v, ok := obj.(*types.Var); !ok || !v.IsField() {
			return nil, ""
		}
		t, key = r.descend(t, index)
	}
	return t, key
}

// descend follows the index path of a selection.
func (r *directiveReader) descend(t types.Type, index []int) (types.Type, string) {
	key := ""
	for _, i := range index {
		st, ok := coreStruct(deref(t))
		if !ok {
			return nil, ""
		}
		key = r.b.names.of(t, i)
		t = st.Field(i).Type()
	}
	return t, key
}

// lockKeys files a lock under its own key and, where its Lock is promoted from an embedded
// field, under that field's.
func (r *directiveReader) lockKeys(d *DirectiveInfo, t types.Type, key string, bad func(string)) {
	if !r.b.know.isLock(t) {
		bad("it is no lock: it has no Lock and Unlock")
		return
	}
	d.Locks = []string{key}
	if obj, index, _ := types.LookupFieldOrMethod(t, true, r.b.pkg, "Lock"); obj != nil && len(index) > 1 {
		if _, k := r.descend(t, index[:len(index)-1]); k != "" {
			d.Locks = append(d.Locks, k)
		}
	}
}

// A wantedLocal is a local variable that directives name: indices of theirs.
type wantedLocal struct{ maps, locks []int }

// wantLocal returns what is wanted of the local variable declared at p.
func (b *builder) wantLocal(p token.Pos) *wantedLocal {
	if b.wanted == nil {
		b.wanted = map[token.Pos]*wantedLocal{}
	}
	if b.wanted[p] == nil {
		b.wanted[p] = new(wantedLocal)
	}
	return b.wanted[p]
}

// bindLocals completes directives about the local variables of a function whose roots and
// keys have been given out.
func (f *function) bindLocals() {
	if len(f.b.wanted) == 0 {
		return
	}
	for _, blk := range f.fn.Blocks {
		for _, ins := range blk.Instrs {
			al, ok := ins.(*ssa.Alloc)
			if !ok {
				continue
			}
			w := f.b.wanted[al.Pos()]
			if w == nil {
				continue
			}
			r := f.path(al)
			for _, i := range w.locks {
				d := &f.b.sum.Directives[i]
				d.Locks = append(d.Locks, "local::"+r, "local:"+f.info.Key+":"+r)
			}
			for _, i := range w.maps {
				for _, l := range f.info.Locals {
					if d := &f.b.sum.Directives[i]; l.Root == r && !slices.Contains(d.Maps, l.Key) {
						d.Maps = append(d.Maps, l.Key)
					}
				}
			}
		}
	}
}

// checkDirectives runs when all functions are summarised: a lock that no function allocates
// (a parameter, say) cannot be told from others.
func (b *builder) checkDirectives() {
	for i := range b.sum.Directives {
		d := &b.sum.Directives[i]
		if d.Wrong == "" && d.Verb == verbGuarded && len(d.Locks) == 0 && len(d.Maps) > 0 {
			d.Wrong, d.Why = UnknownLock, "//mapmigrate:guardedby "+d.Text+": a lock that is a parameter, or never leaves a register, cannot be followed"
		}
	}
	slices.SortStableFunc(b.sum.Directives, func(x, y DirectiveInfo) int {
		switch {
		case lessPos(b.sum, x.Pos, y.Pos):
			return -1
		case lessPos(b.sum, y.Pos, x.Pos):
			return 1
		}
		return 0
	})
}

// ProblemDocs explains the codes of problems.
func ProblemDocs() []Doc { return problemDocs }

var problemDocs = []Doc{
	{MissingReason, "//mapmigrate:ignore without a reason", `A directive that hides a race must say why that is safe, for whoever reads it next:

	//mapmigrate:ignore only the load test writes, before the server starts

Without a reason it has no effect.
`},
	{UnusedIgnore, "//mapmigrate:ignore hides nothing", `There is no finding that the directive keeps from being reported: the race was cured, the
code moved away from the comment, or nothing was ever found here. A directive is about the
line it ends, or, alone on a line, about the statement or declaration below it.

What to do: remove it, or move it to the access or declaration that it means.
`},
	{UnknownLock, "//mapmigrate:guardedby names no lock", `The name is looked up as a field of the struct that declares the map (mu), as a path of
fields from there (parent.mu), and else as a variable in scope or a path from one (table.mu).
It must lead to something with Lock and Unlock. A lock that a function gets as a parameter
cannot be told from other locks.
`},
	{MisplacedDirective, "//mapmigrate:guardedby is on no map", `The assertion belongs to the declaration of a map: a field, a package variable or a local
variable; at the end of its line, or alone above it.
`},
	{MalformedDirective, "a comment looks like a directive and is none", `Directives are written //mapmigrate:ignore REASON and //mapmigrate:guardedby LOCK, in a line
comment, without a space before mapmigrate.
`},
}
