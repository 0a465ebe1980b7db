// This file turns the operations on one file into its new bytes: it applies them to
// a dst tree of the formatted file, prints it, and leaves the rest (carrying the
// change back onto the original bytes, and proving it) to splice.go and gates.go.

package rewrite

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/dave/dst"
	"github.com/dave/dst/decorator"
	"github.com/dave/dst/dstutil"

	"github.com/mapmigrate/mapmigrate/plans"
)

// A fileInput is one file with the operations to apply to it.
type fileInput struct {
	Path        string // module-relative, slash-separated
	Src         []byte // the original bytes
	Fset        *token.FileSet
	Syntax      *ast.File // the type-checked parse of Src, with comments
	Ops         []op
	ImportPath  string       // of the runtime package; "" when the file needs none
	ImportName  string       // the name it is used by in this file
	Imports     []fileImport // others that the operations need
	DropImports []string     // paths of imports that the operations leave unused
	StrictLines bool         // leave neighbours unaligned rather than re-align them
	excerpt     *excerpt     // what Src and Syntax are of the file that Fset knows; nil for all of it
}

// changesImports reports whether the file's imports will change.
func (in *fileInput) changesImports() bool {
	return in.ImportPath != "" || len(in.Imports) > 0 || len(in.DropImports) > 0
}

// A fileOutput is the file after the operations.
type fileOutput struct {
	Src       []byte
	Hunks     []hunk // sorted, not overlapping
	Realigned []int  // lines of the original of which only white space changed
}

// A hunk replaces the whole lines [Start, End) of the original by New.
type hunk struct {
	Start, End int
	New        string
	Sites      []int // the sites whose operations caused it, sorted
	Import     bool  // it lies in the import block
}

// rewriteFile applies the operations to a file. It refuses rather than return
// bytes that any gate doubts.
func rewriteFile(in *fileInput) (*fileOutput, *plans.Refusal) {
	if refusal := (&editor{in: in}).admit(); refusal != nil {
		return nil, refusal
	}
	if x, syntax := excerptOf(in); x != nil {
		short := *in
		short.Src, short.Syntax, short.excerpt = x.src, syntax, x
		if o, refusal := editFile(&short); refusal == nil {
			if out := x.restored(o, in.Src); out != nil {
				return out, nil
			}
		}
	}
	return editFile(in) // which also gives the reason for a refusal in terms of the file
}

// editFile is rewriteFile for what it is given.
func editFile(in *fileInput) (out *fileOutput, refusal *plans.Refusal) {
	e := &editor{in: in}
	defer func() {
		if r := recover(); r != nil {
			out, refusal = nil, e.internal("tree", e.pos, "%v", r)
		}
	}()
	return e.run()
}

// An editor holds the state of one rewriteFile.
type editor struct {
	in  *fileInput
	pos token.Pos // of the operation at work, for messages

	bom  []byte
	orig []byte // the original without its byte order mark
	g    []byte // orig, formatted
	d    []byte // g with the operations applied

	gfset *token.FileSet
	gfile *ast.File
	dec   *decorator.Decorator
	tree  *dst.File

	twinOf   map[ast.Node]dst.Node   // of op nodes: type-checked node → dst node, as first decorated
	gtwin    map[ast.Node]ast.Node   // type-checked node → node of gfile
	now      map[dst.Node]dst.Node   // replaced dst nodes
	stack    []dst.Node              // the ancestors of the node at work, outermost first
	produced map[dst.Node]bool       // nodes that operations made
	skipOld  map[ast.Node]bool       // nodes of gfile that operations replaced
	hoisted  map[dst.Node][]dst.Stmt // what goes in front of a statement
	behind   map[dst.Node][]dst.Stmt // what goes behind one

	kept, meant []atom   // the changed tree, without and with what operations made
	gd          [][2]int // lines of g and d that begin alike; see lineTwins
}

// internal returns the refusal of a failing gate.
func (e *editor) internal(gate string, pos token.Pos, msg string, args ...any) *plans.Refusal {
	return &plans.Refusal{
		Code:    "internal-check",
		Class:   plans.Unsafe,
		Message: fmt.Sprintf("gate %q failed: ", gate) + fmt.Sprintf(msg, args...),
		Remedy:  "This is a bug in mapmigrate: please report it. The file is left as it is.",
		Pos:     e.position(pos),
	}
}

func (e *editor) refuse(code string, pos token.Pos, remedy, msg string, args ...any) *plans.Refusal {
	return &plans.Refusal{Code: code, Class: plans.Unsafe, Message: fmt.Sprintf(msg, args...), Remedy: remedy, Pos: e.position(pos)}
}

func (e *editor) position(pos token.Pos) plans.Pos {
	if !pos.IsValid() {
		return plans.Pos{File: e.in.Path, Line: 1, Column: 1}
	}
	p := e.in.Fset.PositionFor(pos, false)
	return plans.Pos{File: e.in.Path, Line: p.Line, Column: p.Column}
}

// offset returns pos as an offset into e.orig.
func (e *editor) offset(pos token.Pos) int {
	off := e.in.Fset.PositionFor(pos, false).Offset
	if e.in.excerpt != nil {
		off = e.in.excerpt.in(off)
	}
	return off - len(e.bom)
}

func (e *editor) run() (*fileOutput, *plans.Refusal) {
	in := e.in
	if r := e.admit(); r != nil {
		return nil, r
	}
	if r := e.decorate(); r != nil {
		return nil, r
	}
	if r := e.findTwins(); r != nil {
		return nil, r
	}
	e.apply()
	if r := e.print(); r != nil {
		return nil, r
	}
	r, ok := e.splice()
	if !ok {
		return nil, e.internal("splice", token.NoPos, "the lines of the formatted file do not correspond to the original's")
	}
	out := &fileOutput{Src: append(slices.Clone(e.bom), r...)}
	out.Hunks = e.hunks(r)
	if in.StrictLines {
		r = e.strictLines(r, out)
	}
	if refusal := e.attribute(r, out); refusal != nil {
		return nil, refusal
	}
	if refusal := e.verifyFile(r); refusal != nil {
		return nil, refusal
	}
	for i := range out.Hunks {
		out.Hunks[i].Start += len(e.bom)
		out.Hunks[i].End += len(e.bom)
	}
	return out, nil
}

// admit refuses files that the engine cannot restore faithfully.
func (e *editor) admit() *plans.Refusal {
	in := e.in
	e.orig = in.Src
	if rest, ok := bytes.CutPrefix(in.Src, []byte("\xef\xbb\xbf")); ok {
		e.bom, e.orig = in.Src[:3:3], rest
	}
	if !utf8.Valid(in.Src) {
		return e.refuse("not-utf8", token.NoPos, "Save the file as UTF-8.", "cannot rewrite the file because it is not valid UTF-8")
	}
	for _, imp := range in.Syntax.Imports {
		if imp.Path.Value == `"C"` {
			return e.refuse("cgo-file", imp.Pos(), "Move the map's uses to a file without cgo.",
				"cannot rewrite the file because it imports C: what the compiler sees is a generated copy of it")
		}
	}
	for _, cg := range in.Syntax.Comments {
		for _, c := range cg.List {
			if strings.HasPrefix(c.Text, "//line ") || strings.HasPrefix(c.Text, "/*line ") {
				return e.refuse("line-directives", c.Pos(), "Rewrite the source that the file was generated from.",
					"cannot rewrite the file because a line directive gives its code other positions")
			}
		}
	}
	if f := in.Fset.File(in.Syntax.FileStart); in.excerpt == nil && (f == nil || f.Size() != len(in.Src)) {
		return e.internal("source", token.NoPos, "the syntax tree was not made from these bytes")
	}
	return nil
}

// formatted formats src until formatting changes nothing.
func formatted(src []byte) ([]byte, error) {
	for range 4 {
		next, err := format.Source(src)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(next, src) {
			return next, nil
		}
		src = next
	}
	return nil, fmt.Errorf("gofmt does not settle on this file")
}

// decorate formats the file, builds its dst tree and makes sure that printing the
// untouched tree gives the formatted file.
func (e *editor) decorate() *plans.Refusal {
	const remedy = "Run gofmt on the file, or report it: mapmigrate cannot print it faithfully."
	var err error
	if e.g, err = formatted(e.orig); err != nil {
		return e.refuse("printer-unstable", token.NoPos, remedy, "cannot rewrite the file: %v", err)
	}
	e.gfset = token.NewFileSet()
	if e.gfile, err = parser.ParseFile(e.gfset, "", e.g, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		return e.refuse("printer-unstable", token.NoPos, remedy, "cannot parse the formatted file: %v", err)
	}
	e.dec = decorator.NewDecorator(e.gfset)
	if e.tree, err = e.dec.DecorateFile(e.gfile); err != nil {
		return e.internal("decorate", token.NoPos, "%v", err)
	}
	d0, _, err := restore(e.tree)
	if err != nil {
		return e.internal("restore", token.NoPos, "%v", err)
	}
	if !bytes.Equal(d0, e.g) {
		line := 1 + bytes.Count(e.g[:commonPrefix(d0, e.g)], []byte("\n"))
		return e.refuse("printer-unstable", token.NoPos, remedy,
			"cannot rewrite the file because printing it unchanged does not give back line %d of the formatted file", line)
	}
	return nil
}

func commonPrefix(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// restore prints a tree.
func restore(tree *dst.File) ([]byte, *decorator.FileRestorer, error) {
	r := decorator.NewRestorer().FileRestorer()
	f, err := r.RestoreFile(tree)
	if err != nil {
		return nil, nil, err
	}
	var buf bytes.Buffer
	if err := format.Node(&buf, r.Fset, f); err != nil {
		return nil, nil, err
	}
	return buf.Bytes(), r, nil
}

// A twinKey identifies a node among those of one file.
type twinKey struct {
	kind       string
	start, end int // the index of its first token, and one beyond its last
}

// findTwins maps the nodes that operations name to the dst tree. Formatting moves
// tokens but keeps them (parentheses and semicolons excepted), so a node's twin has
// the same kind and the twins of its tokens.
func (e *editor) findTwins() *plans.Refusal {
	ot, gt := scan(e.orig), scan(e.g)
	toG := alignTokens(ot, gt) // index in ot → index in gt, or -1
	keyG := func(n ast.Node) twinKey {
		at := func(p token.Pos) int { return e.gfset.PositionFor(p, false).Offset }
		return twinKey{fmt.Sprintf("%T", n), tokenAt(gt, at(n.Pos())), tokenAt(gt, at(n.End())-1)}
	}
	want := map[twinKey]ast.Node{}
	for _, n := range e.opNodes() {
		s, t := tokenAt(ot, e.offset(n.Pos())), tokenAt(ot, e.offset(n.End())-1)
		if s < 0 || t < 0 || toG[s] < 0 || toG[t] < 0 {
			return e.internal("twins", n.Pos(), "the formatted file lacks the tokens of a %T", n)
		}
		want[twinKey{fmt.Sprintf("%T", n), toG[s], toG[t]}] = n
	}
	byKey := map[twinKey]ast.Node{}
	ast.Inspect(e.gfile, func(n ast.Node) bool {
		if n != nil && n.Pos().IsValid() {
			if _, ok := n.(*ast.File); !ok {
				if k := keyG(n); want[k] != nil {
					byKey[k] = n
				}
			}
		}
		return true
	})
	e.twinOf, e.gtwin = map[ast.Node]dst.Node{}, map[ast.Node]ast.Node{}
	for _, n := range e.opNodes() {
		s, t := tokenAt(ot, e.offset(n.Pos())), tokenAt(ot, e.offset(n.End())-1)
		g := byKey[twinKey{fmt.Sprintf("%T", n), toG[s], toG[t]}]
		if g == nil || e.dec.Dst.Nodes[g] == nil {
			return e.internal("twins", n.Pos(), "the formatted file has no twin of a %T", n)
		}
		e.gtwin[n], e.twinOf[n] = g, e.dec.Dst.Nodes[g]
	}
	return nil
}

// opNodes returns every node that an operation names.
func (e *editor) opNodes() []ast.Node {
	var out []ast.Node
	exprs := func(xs ...ast.Expr) {
		for _, x := range xs {
			if x != nil {
				out = append(out, x)
			}
		}
	}
	args := func(as []arg) {
		for _, a := range as {
			exprs(a.Expr)
			if a.Func != nil {
				exprs(a.Func.Body)
				exprs(a.Func.Olds...)
			}
		}
	}
	for _, o := range e.in.Ops {
		out = append(out, o.target())
		switch o := o.(type) {
		case *callOp:
			exprs(o.Recv)
			exprs(o.TypeArgs...)
			args(o.Args)
		case *typeOp:
			exprs(o.TypeArgs...)
		case *rangeOp:
			exprs(o.Recv)
			args(o.Args)
			exprs(rangeParts(o)...)
		case *hoistOp:
			out = append(out, o.part())
		case *lockOp:
			out = append(out, o.Last)
		}
	}
	return out
}

// rangeParts returns the nodes of its statement that a rangeOp replaces.
func rangeParts(o *rangeOp) []ast.Expr {
	n := o.Node.(*ast.RangeStmt)
	parts := []ast.Expr{n.X}
	if o.DropKey || o.DropValue {
		parts = append(parts, n.Key, n.Value)
	}
	return parts
}

// twin returns what n's twin has become.
func (e *editor) twin(n ast.Node) dst.Node {
	d := e.twinOf[n]
	for e.now[d] != nil {
		d = e.now[d]
	}
	return d
}

func (e *editor) expr(n ast.Node) dst.Expr { return e.twin(n).(dst.Expr) }

// apply performs the operations, innermost first.
func (e *editor) apply() {
	e.now = map[dst.Node]dst.Node{}
	e.produced = map[dst.Node]bool{}
	e.skipOld = map[ast.Node]bool{}
	e.hoisted, e.behind = map[dst.Node][]dst.Stmt{}, map[dst.Node][]dst.Stmt{}
	at := map[dst.Node][]op{}          // by target
	hoistAt := map[dst.Node]*hoistOp{} // by expression
	declAt := map[dst.Node]*declOp{}
	for _, o := range e.in.Ops {
		switch o := o.(type) {
		case *hoistOp:
			hoistAt[e.twinOf[o.part()]] = o
			e.skipOld[e.gtwin[o.part()]] = true
			t := e.twinOf[o.Node]
			if e.hoisted[t] == nil {
				e.hoisted[t] = []dst.Stmt{}
			}
			continue
		case *declOp:
			declAt[e.twinOf[o.Node]] = o
			continue
		case *lockOp:
			t, last := e.twinOf[o.Node], e.twinOf[o.Last]
			e.hoisted[t] = append(e.hoisted[t], e.stmts(o.Before)...)
			e.behind[last] = append(e.behind[last], e.stmts(o.After)...)
			continue
		case *rangeOp:
			for _, x := range rangeParts(o) {
				if x != nil {
					e.skipOld[e.gtwin[x]] = true
				}
			}
		default:
			e.skipOld[e.gtwin[o.target()]] = true
		}
		t := e.twinOf[o.target()]
		at[t] = append(at[t], o)
	}
	for _, ops := range at { // a field is selected from what the others make of its operand
		slices.SortStableFunc(ops, func(a, b op) int { return selects(a) - selects(b) })
	}
	e.gather()
	pre := func(c *dstutil.Cursor) bool {
		if c.Node() != nil {
			e.stack = append(e.stack, c.Node())
		}
		return true
	}
	post := func(c *dstutil.Cursor) bool {
		n := c.Node()
		if n == nil {
			return true
		}
		e.stack = e.stack[:len(e.stack)-1]
		removed := false
		for _, o := range at[n] {
			e.pos = o.target().Pos()
			if _, ok := o.(*removeOp); ok {
				e.remove(c)
				removed = true
				break
			}
			if repl := e.applyOp(o, c); repl != nil {
				e.now[e.twin(o.target())] = repl
				c.Replace(repl)
			}
		}
		if o := hoistAt[n]; o != nil {
			e.pos = o.part().Pos()
			if o.Expr != nil {
				c.Replace(e.hoist(o))
			} else {
				c.Parent().(*dst.IfStmt).Init = nil
				e.putInFront(o, n.(dst.Stmt))
			}
		}
		if hs := e.hoisted[n]; len(hs) > 0 && !removed {
			e.insertHoists(c, hs)
		}
		if o := declAt[n]; o != nil {
			e.pos = o.Node.Pos()
			e.declareBefore(c, o)
		}
		if bs := e.behind[n]; len(bs) > 0 {
			e.insertBehind(c, bs)
		}
		return true
	}
	dstutil.Apply(e.tree, pre, post)
	e.pos = token.NoPos
}

// selects is 1 for an operation that selects a field, else 0.
func selects(o op) int {
	if call, ok := o.(*callOp); ok && call.Selects {
		return 1
	}
	return 0
}

// gather brings arguments that a callOp takes from another statement (which a
// removeOp drops) into the call's own node, so that they are visited, and their
// comments kept, like those that were there from the start:
//
//	v, ok := m[k]                       v, ok := m[_(k, newThing())]
//	if !ok { v = newThing(); m[k] = v } if !ok { v = _; m[k] = v }
func (e *editor) gather() {
	for _, o := range e.in.Ops {
		call, ok := o.(*callOp)
		if !ok {
			continue
		}
		for _, a := range call.Args {
			x := a.Expr
			if x == nil && a.Func != nil {
				x = a.Func.Body
			}
			if x == nil || call.Node.Pos() <= x.Pos() && x.End() <= call.Node.End() {
				continue
			}
			idx := e.twinOf[call.Node].(*dst.IndexExpr) // the only target that takes arguments from elsewhere
			from := e.twinOf[x].(dst.Expr)
			dstutil.Apply(e.tree, nil, func(c *dstutil.Cursor) bool {
				if c.Node() == dst.Node(from) {
					c.Replace(dst.NewIdent("_"))
					return false
				}
				return true
			})
			idx.Index = &dst.CallExpr{Fun: dst.NewIdent("_"), Args: []dst.Expr{idx.Index, from}}
		}
	}
}

func (e *editor) applyOp(o op, c *dstutil.Cursor) dst.Node {
	n := e.twin(o.target())
	switch o := o.(type) {
	case *callOp:
		return e.call(n, o)
	case *typeOp:
		return e.typ(n, o, c)
	case *textOp:
		return e.text(n, o.Text)
	case *rangeOp:
		e.ranges(n.(*dst.RangeStmt), o)
		return nil
	}
	panic(fmt.Sprintf("unknown operation %T", o))
}

// A carrier moves what belongs to a discarded node n to its replacement.
type carrier struct {
	e             *editor
	lead, trail   []string
	before, after dst.SpaceType
	groups        map[dst.Node][]string // comments in front of each moved node
	rest          []string              // comments behind the last moved node
	order         []dst.Node            // the moved nodes in source order
	own           []string              // comments that go to lines of their own
	args          map[dst.Node]bool     // moved nodes that were arguments: their line breaks stay
	blocks        bool                  // n holds statements: comments that end a line do not go into an expression
}

func (e *editor) carry(n dst.Node, moved ...dst.Node) *carrier {
	c := &carrier{e: e, args: map[dst.Node]bool{}}
	call, _ := n.(*dst.CallExpr)
	if s, ok := n.(*dst.ExprStmt); ok {
		call, _ = s.X.(*dst.CallExpr)
	}
	if call != nil {
		for _, a := range call.Args {
			c.args[a] = true
		}
	}
	switch n.(type) {
	case *dst.IfStmt, *dst.BlockStmt, *dst.ForStmt, *dst.RangeStmt, *dst.SwitchStmt, *dst.TypeSwitchStmt, *dst.SelectStmt:
		c.blocks = true
	}
	c.lead, c.before = takeLeading(n)
	c.trail, c.after = takeTrailing(n)
	set := map[dst.Node]bool{}
	for _, m := range moved {
		set[m] = true
	}
	c.groups, c.order, c.rest = groups(n, set)
	if len(c.order) != len(set) {
		panic(fmt.Sprintf("an operation on a %T moves %d nodes of which %d are inside it", n, len(set), len(c.order)))
	}
	return c
}

// bare detaches a moved node from everything around it and returns the comments
// that now need a place: those of discarded tokens in front of it, and its own.
func (c *carrier) bare(n dst.Node) (front []string) {
	lead, _ := takeLeading(n)
	trail, _ := takeTrailing(n)
	// What stood behind n goes in front of what followed it.
	if cs := comments(trail); len(cs) > 0 {
		if i := slices.Index(c.order, n); i+1 < len(c.order) {
			next := c.order[i+1]
			c.groups[next] = append(slices.Clone(cs), c.groups[next]...)
		} else {
			c.rest = append(slices.Clone(cs), c.rest...)
		}
	}
	return append(slices.Clone(c.groups[n]), comments(lead)...)
}

// finish gives the replacement what stood around the discarded node.
func (c *carrier) finish(repl dst.Node) {
	block, line := splitComments(c.rest)
	c.own = append(c.own, line...)
	d := repl.Decorations()
	d.Before, d.After = c.before, c.after
	d.Start = append(slices.Clone(c.lead), d.Start...)
	d.End = append(append(slices.Clone(block), d.End...), c.trail...)
	c.e.produced[repl] = true
	if len(c.own) > 0 {
		c.e.ownLines(repl, c.own)
	}
}

// ownLines puts comments on lines of their own above the statement, field or
// declaration that holds n (or is it).
func (e *editor) ownLines(n dst.Node, cs []string) {
	anchor := dst.Node(nil)
	if s, ok := n.(dst.Stmt); ok && len(e.stack) > 0 && isList(e.stack[len(e.stack)-1], s) {
		anchor = n
	}
	for i := len(e.stack) - 1; anchor == nil && i > 0; i-- {
		if isList(e.stack[i-1], e.stack[i]) || i > 1 && isFields(e.stack[i-2], e.stack[i-1]) {
			anchor = e.stack[i]
		}
	}
	if anchor == nil {
		panic("no place for a comment")
	}
	d := anchor.Decorations()
	if d.Before == dst.None {
		d.Before = dst.NewLine
	}
	d.Start.Append(ownLines(cs)...)
}

// isFields reports whether list holds the fields of a struct or the methods of an
// interface, which stand on lines of their own as parameters do not.
func isFields(parent, list dst.Node) bool {
	switch parent.(type) {
	case *dst.StructType, *dst.InterfaceType:
		f, ok := list.(*dst.FieldList)
		return ok && len(f.List) > 0 && f.List[0].Decs.Before != dst.None
	}
	return false
}

// isList reports whether parent holds n in a list of lines: statements, specs in
// parentheses, declarations.
func isList(parent, n dst.Node) bool {
	switch p := parent.(type) {
	case *dst.BlockStmt:
		return true
	case *dst.CaseClause:
		s, ok := n.(dst.Stmt)
		return ok && (slices.Contains(p.Body, s) || !slices.ContainsFunc(p.List, func(x dst.Expr) bool { return dst.Node(x) == n }))
	case *dst.CommClause:
		_, ok := n.(dst.Stmt)
		return ok && n != dst.Node(p.Comm)
	case *dst.GenDecl:
		return p.Lparen
	case *dst.File:
		return true
	}
	return false
}

// call applies a callOp to n.
func (e *editor) call(n dst.Node, o *callOp) dst.Node {
	var recv dst.Expr
	if o.Recv != nil {
		recv = e.expr(o.Recv)
	}
	return e.makeCall(n, recv, o)
}

// makeCall makes what o describes, with the receiver recv, in the place of n.
func (e *editor) makeCall(n dst.Node, recv dst.Expr, o *callOp) dst.Node {
	fun, targs, args := o.Fun, o.TypeArgs, o.Args
	var moved []dst.Node
	if recv != nil {
		moved = append(moved, recv)
	}
	for _, t := range targs {
		moved = append(moved, e.expr(t))
	}
	for _, a := range args {
		if a.Expr != nil {
			moved = append(moved, e.expr(a.Expr))
		} else if a.Func != nil && a.Func.Body != nil {
			moved = append(moved, e.expr(a.Func.Body))
		}
	}
	c := e.carry(n, moved...)
	call := &dst.CallExpr{}
	if recv != nil {
		front := c.bare(recv)
		block, line := splitComments(front)
		c.lead = append(c.lead, block...)
		c.own = append(c.own, line...)
		x := primary(recv)
		if o.Via != "" {
			x = &dst.SelectorExpr{X: x, Sel: dst.NewIdent(o.Via)}
		}
		if o.Selects {
			c.finish(x)
			return x
		}
		call.Fun = &dst.SelectorExpr{X: x, Sel: dst.NewIdent(fun)}
	} else {
		call.Fun = &dst.SelectorExpr{X: dst.NewIdent(e.importName()), Sel: dst.NewIdent(fun)}
		call.Fun = e.instantiate(c, call.Fun, targs)
		if len(o.TypeTexts) == 2 {
			call.Fun = &dst.IndexListExpr{X: call.Fun, Indices: []dst.Expr{parseText(o.TypeTexts[0]), parseText(o.TypeTexts[1])}}
		}
	}
	var last dst.Node
	for i, a := range args {
		var x dst.Expr
		var front []string
		switch {
		case a.Expr != nil:
			x = e.expr(a.Expr)
			d := x.Decorations()
			if c.args[x] {
				front = c.groups[x]
			} else if before := d.Before; dst.Node(x) != n {
				front = c.bare(x)
				d.Before = before
			}
			if a.Addr {
				x = &dst.UnaryExpr{Op: token.AND, X: x}
			}
		case a.Func != nil:
			var body dst.Expr
			if a.Func.Body != nil {
				body = e.expr(a.Func.Body)
				front = c.bare(body)
				body = e.param(c, body, a.Func, &front)
			}
			x = funcLit(a.Func, body)
		default:
			x = parseText(a.Text)
		}
		block, line := splitComments(front)
		switch {
		case len(line) > 0 && c.blocks:
			c.own = append(c.own, line...)
			prepend(&x.Decorations().Start, block)
		case len(line) > 0 && i == 0:
			call.Decs.Lparen.Append(comments(front)...)
		default:
			prepend(&x.Decorations().Start, comments(front))
		}
		call.Args = append(call.Args, x)
		last = x
	}
	if block, line := splitComments(c.rest); len(block) > 0 && last != nil {
		last.Decorations().End.Append(block...)
		c.rest = line
	}
	if o.Wrap != "" {
		lit := &dst.CompositeLit{Type: parseText(o.Wrap), Elts: []dst.Expr{&dst.KeyValueExpr{Key: dst.NewIdent(o.WrapField), Value: call}}}
		c.finish(lit)
		return lit
	}
	if _, ok := n.(dst.Stmt); !ok {
		c.finish(call)
		return call
	}
	var stmt dst.Stmt = &dst.ExprStmt{X: call}
	if o.Into != "" {
		stmt = &dst.AssignStmt{Lhs: []dst.Expr{dst.NewIdent(o.Into), dst.NewIdent("_")}, Tok: token.ASSIGN, Rhs: []dst.Expr{call}}
	}
	c.finish(stmt)
	return stmt
}

// instantiate writes fun[targs...].
func (e *editor) instantiate(c *carrier, fun dst.Expr, targs []ast.Expr) dst.Expr {
	var xs []dst.Expr
	for _, t := range targs {
		x := e.expr(t)
		block, line := splitComments(c.bare(x))
		c.own = append(c.own, line...)
		prepend(&x.Decorations().Start, block)
		xs = append(xs, x)
	}
	switch len(xs) {
	case 0:
		return fun
	case 1:
		return &dst.IndexExpr{X: fun, Index: xs[0]}
	}
	return &dst.IndexListExpr{X: fun, Indices: xs}
}

func (e *editor) importName() string {
	if e.in.ImportName != "" {
		return e.in.ImportName
	}
	return path.Base(e.in.ImportPath)
}

// primary returns x in a form that a selector may follow.
func primary(x dst.Expr) dst.Expr {
	switch x.(type) {
	case *dst.Ident, *dst.SelectorExpr, *dst.IndexExpr, *dst.IndexListExpr, *dst.CallExpr, *dst.ParenExpr, *dst.SliceExpr, *dst.TypeAssertExpr:
		return x
	}
	return &dst.ParenExpr{X: x}
}

// param replaces the old value's expressions in body by the function's parameter.
func (e *editor) param(c *carrier, body dst.Expr, f *funcArg, front *[]string) dst.Expr {
	olds := map[dst.Node]bool{}
	for _, o := range f.Olds {
		olds[e.twin(o)] = true
	}
	if len(olds) == 0 {
		return body
	}
	found := 0
	replace := func(n dst.Node) dst.Expr {
		found++
		id := dst.NewIdent(f.Param)
		lead, before := takeLeading(n)
		trail, after := takeTrailing(n)
		block, line := splitComments(allComments(n))
		*front = append(*front, line...)
		id.Decs.Before, id.Decs.After = before, after
		id.Decs.Start = lead
		id.Decs.End = append(block, trail...)
		return id
	}
	if olds[body] {
		id := replace(body)
		return id
	}
	dstutil.Apply(body, nil, func(cur *dstutil.Cursor) bool {
		if olds[cur.Node()] {
			cur.Replace(replace(cur.Node()))
		}
		return true
	})
	if found != len(olds) {
		panic(fmt.Sprintf("%d of %d uses of the old value are inside the function's body", found, len(olds)))
	}
	return body
}

// funcLit returns func(Param Type) Type { return … }.
func funcLit(f *funcArg, body dst.Expr) *dst.FuncLit {
	typ := func() []*dst.Field { return []*dst.Field{{Type: parseText(f.Type)}} }
	ft := &dst.FuncType{Func: true, Params: &dst.FieldList{Opening: true, Closing: true}, Results: &dst.FieldList{List: typ()}}
	if f.Param != "" {
		ft.Params.List = typ()
		ft.Params.List[0].Names = []*dst.Ident{dst.NewIdent(f.Param)}
	}
	switch {
	case f.Op != "":
		op := operator(f.Op)
		if b, ok := body.(*dst.BinaryExpr); ok && b.Op.Precedence() <= op.Precedence() {
			body = &dst.ParenExpr{X: body}
		}
		body = &dst.BinaryExpr{X: dst.NewIdent(f.Param), Op: op, Y: body}
	case f.IncDec != "":
		body = &dst.BinaryExpr{X: dst.NewIdent(f.Param), Op: operator(f.IncDec), Y: &dst.BasicLit{Kind: token.INT, Value: "1"}}
	}
	return &dst.FuncLit{Type: ft, Body: &dst.BlockStmt{List: []dst.Stmt{&dst.ReturnStmt{Results: []dst.Expr{body}}}}}
}

// parseText makes a tree of the source of an expression or type.
func parseText(src string) dst.Expr {
	fset := token.NewFileSet()
	x, err := parser.ParseExprFrom(fset, "", src, parser.SkipObjectResolution)
	if err != nil {
		panic(fmt.Sprintf("cannot parse %q: %v", src, err))
	}
	n, err := decorator.NewDecorator(fset).DecorateNode(x)
	if err != nil {
		panic(fmt.Sprintf("cannot decorate %q: %v", src, err))
	}
	return n.(dst.Expr)
}

func operator(s string) token.Token {
	for t := token.ADD; t <= token.AND_NOT; t++ {
		if t.String() == s {
			return t
		}
	}
	panic("unknown operator " + s)
}

// typ applies a typeOp to n.
func (e *editor) typ(n dst.Node, o *typeOp, cur *dstutil.Cursor) dst.Node {
	var moved []dst.Node
	for _, t := range o.TypeArgs {
		moved = append(moved, e.twin(t))
	}
	c := e.carry(n, moved...)
	var x dst.Expr = &dst.SelectorExpr{X: dst.NewIdent(e.importName()), Sel: dst.NewIdent(o.Name)}
	x = e.instantiate(c, x, o.TypeArgs)
	if o.Lit {
		x = &dst.CompositeLit{Type: x}
	}
	if o.Star {
		x = &dst.StarExpr{X: x}
		if _, ok := cur.Parent().(*dst.CallExpr); ok && cur.Name() == "Fun" {
			x = &dst.ParenExpr{X: x} // a conversion
		}
	}
	if o.Field != "" {
		field := &dst.Field{Names: []*dst.Ident{dst.NewIdent(o.Field)}, Type: x}
		field.Decs.Before, field.Decs.After = dst.NewLine, dst.NewLine
		x = &dst.StructType{Fields: &dst.FieldList{Opening: true, List: []*dst.Field{field}, Closing: true}}
	}
	c.finish(x)
	return x
}

// text applies a textOp to n.
func (e *editor) text(n dst.Node, src string) dst.Node {
	c := e.carry(n)
	x := parseText(src)
	c.finish(x)
	return x
}

// ranges applies a rangeOp to the statement n.
func (e *editor) ranges(n *dst.RangeStmt, o *rangeOp) {
	e.stack = append(e.stack, n)
	defer func() { e.stack = e.stack[:len(e.stack)-1] }()
	n.X = e.makeCall(n.X, e.expr(o.Recv), &callOp{Via: o.Via, Fun: o.Fun, Args: o.Args}).(dst.Expr)
	var own []string
	drop := func(x dst.Expr, behind *dst.Decorations) (block []string) {
		var cs []string
		if x != nil {
			cs = allComments(x)
		}
		block, line := splitComments(append(cs, *behind...))
		*behind = nil
		own = append(own, line...)
		return block
	}
	switch {
	case o.DropKey && o.DropValue:
		n.Decs.For.Append(drop(n.Key, &n.Decs.Key)...)
		n.Decs.For.Append(drop(n.Value, &n.Decs.Value)...)
		n.Key, n.Value, n.Tok = nil, nil, token.ILLEGAL
	case o.DropKey:
		lead, _ := takeLeading(n.Value)
		block, line := splitComments(lead)
		own = append(own, line...)
		n.Value.Decorations().Start = append(drop(n.Key, &n.Decs.Key), block...)
		n.Key, n.Value = n.Value, nil
		n.Decs.Key, n.Decs.Value = n.Decs.Value, nil
		e.produced[n.Key] = true
	case o.DropValue:
		n.Decs.Key.Append(drop(n.Value, &n.Decs.Value)...)
		n.Value = nil
		e.produced[n.Key] = true
	}
	if len(own) > 0 {
		e.ownLines(n.X, own)
	}
}

// remove applies a removeOp to the node at the cursor.
func (e *editor) remove(c *dstutil.Cursor) {
	n := c.Node()
	if c.Index() < 0 {
		panic("a statement to remove is not in a block")
	}
	if _, ok := n.(dst.Stmt); !ok {
		removeDecl(c)
		return
	}
	list := stmtList(c.Parent())
	i := c.Index()
	d := n.Decorations()
	before, after := d.Before, d.After
	cs := ownLines(allComments(n))
	switch {
	case i+1 < len(*list):
		nd := (*list)[i+1].Decorations()
		if len(cs) > 0 && max(after, nd.Before) == dst.EmptyLine {
			cs = append(cs, "\n")
		}
		if len(cs) > 0 || i == 0 {
			nd.Before = max(before, dst.NewLine)
		} else {
			nd.Before = max(before, nd.Before)
		}
		prepend(&nd.Start, cs)
	case clauseEnd(c.Parent()) != nil:
		// dst keeps what follows the last statement of a clause, on its line and below,
		// at the end of the clause.
		end := clauseEnd(c.Parent())
		tail, rest := sameLine(*end)
		if cs = append(cs, ownLines(comments(tail))...); len(cs) > 0 {
			if before == dst.EmptyLine && i > 0 {
				cs = append([]string{"\n"}, cs...)
			}
			cs = append([]string{"\n"}, cs...)
			if len(rest) > 0 && rest[0] == "\n" {
				rest = rest[1:] // a line comment ends its line itself
			}
			if len(rest) == 0 {
				cs = trimBreak(cs)
			}
		}
		*end = append(cs, rest...)
	case i > 0:
		pd := (*list)[i-1].Decorations()
		if len(cs) > 0 {
			if k := len(pd.End); k == 0 || !strings.HasPrefix(pd.End[k-1], "//") {
				pd.End.Append("\n")
			}
			if before == dst.EmptyLine {
				pd.End.Append("\n")
			}
			pd.End.Append(trimBreak(cs)...)
		}
		pd.After = dst.NewLine
	case len(cs) > 0:
		at := &c.Parent().(*dst.BlockStmt).Decs.Lbrace
		if k := len(*at); k == 0 || !strings.HasPrefix((*at)[k-1], "//") {
			at.Append("\n")
		}
		at.Append(trimBreak(cs)...)
	}
	c.Delete()
}

// clauseEnd returns the decorations at the end of a case, or nil.
func clauseEnd(parent dst.Node) *dst.Decorations {
	switch p := parent.(type) {
	case *dst.CaseClause:
		return &p.Decs.End
	case *dst.CommClause:
		return &p.Decs.End
	}
	return nil
}

// sameLine splits End decorations into those on the node's last line and the rest.
func sameLine(decs []string) (tail, rest []string) {
	for i, d := range decs {
		if d == "\n" {
			return decs[:i], decs[i:]
		}
		if strings.HasPrefix(d, "//") {
			return decs[:i+1], decs[i+1:]
		}
	}
	return decs, nil
}

// trimBreak drops the line break at the end of decorations, where a token or the
// node's own spacing supplies it.
func trimBreak(cs []string) []string {
	if k := len(cs); k > 0 && cs[k-1] == "\n" {
		return cs[:k-1]
	}
	return cs
}

func stmtList(parent dst.Node) *[]dst.Stmt {
	switch p := parent.(type) {
	case *dst.BlockStmt:
		return &p.List
	case *dst.CaseClause:
		return &p.Body
	case *dst.CommClause:
		return &p.Body
	}
	panic(fmt.Sprintf("a %T holds no statements", parent))
}

// hoist leaves a name in the place of o.Expr and keeps the expression for the
// statement in front.
func (e *editor) hoist(o *hoistOp) dst.Node {
	x := e.expr(o.Expr)
	lead, before := takeLeading(x)
	trail, after := takeTrailing(x)
	id := dst.NewIdent(o.Name)
	id.Decs.NodeDecs = dst.NodeDecs{Before: before, Start: lead, End: trail, After: after}
	e.now[x] = id
	e.produced[id] = true
	if o.Call != "" {
		x = &dst.CallExpr{Fun: parseText(o.Call), Args: []dst.Expr{x}}
	}
	names := []dst.Expr{dst.NewIdent(o.Name)}
	for _, name := range o.More {
		names = append(names, dst.NewIdent(name))
	}
	e.putInFront(o, &dst.AssignStmt{Lhs: names, Tok: token.DEFINE, Rhs: []dst.Expr{x}})
	return id
}

// putInFront keeps a statement, with what o puts around it, for the place in front of o.Node.
func (e *editor) putInFront(o *hoistOp, s dst.Stmt) {
	s.Decorations().Before = dst.NewLine
	e.produced[s] = true
	t := e.twinOf[o.Node]
	e.hoisted[t] = append(e.hoisted[t], slices.Concat(e.stmts(o.Before), []dst.Stmt{s}, e.stmts(o.After))...)
}

// stmts makes trees of statements of one line each.
func (e *editor) stmts(lines []string) (out []dst.Stmt) {
	for _, line := range lines {
		f, err := decorator.Parse("package p\nfunc _() {\n" + line + "\n}")
		if err != nil {
			panic(fmt.Sprintf("cannot parse %q: %v", line, err))
		}
		s := f.Decls[0].(*dst.FuncDecl).Body.List[0]
		s.Decorations().Before = dst.NewLine
		e.produced[s] = true
		out = append(out, s)
	}
	return out
}

// insertHoists puts statements in front of the one at the cursor. The first takes
// over the comments above it; what stands on its line stays with it.
func (e *editor) insertHoists(c *dstutil.Cursor, hs []dst.Stmt) {
	if c.Index() < 0 {
		panic("a statement with hoisted operands is not in a block")
	}
	n := c.Node()
	for e.now[n] != nil {
		n = e.now[n]
	}
	d := n.Decorations()
	first := hs[0].Decorations()
	first.Before = max(d.Before, dst.NewLine)
	d.Before = dst.NewLine
	if !slices.ContainsFunc(d.Start, isDirective) {
		own := len(d.Start) // /* c */ m[k]++
		for own > 0 && strings.HasPrefix(d.Start[own-1], "/*") {
			own--
		}
		first.Start, d.Start = slices.Clone(d.Start[:own]), slices.Clone(d.Start[own:])
	}
	if d.After == dst.None {
		d.After = dst.NewLine
	}
	for _, s := range hs {
		c.InsertBefore(s)
	}
}

// declareBefore declares a variable or field in front of the one at the cursor, whose comments
// stay with it.
func (e *editor) declareBefore(c *dstutil.Cursor, o *declOp) {
	n := c.Node()
	names, typ := []*dst.Ident{dst.NewIdent(o.Name)}, parseText(o.Type)
	spec := &dst.ValueSpec{Names: names, Type: typ}
	var made dst.Node
	switch n.(type) {
	case *dst.Field:
		made = &dst.Field{Names: names, Type: typ}
	case *dst.ValueSpec:
		made = spec
	case *dst.GenDecl:
		made = &dst.GenDecl{Tok: token.VAR, Specs: []dst.Spec{spec}}
	}
	d, m := n.Decorations(), made.Decorations()
	m.Before = max(d.Before, dst.NewLine)
	d.Before = dst.NewLine
	for i := range slices.Backward(d.Start) {
		if isBlankLine(d.Start, i) { // comments above it are not the declaration's
			m.Start, d.Start = slices.Clone(d.Start[:i+1]), slices.Clone(d.Start[i+1:])
			break
		}
	}
	if _, top := n.(*dst.GenDecl); top && len(d.Start) > 0 {
		d.Before = dst.EmptyLine // what its comment says is not about the new one
	}
	m.After = d.Before
	e.produced[made] = true
	c.InsertBefore(made)
}

// isBlankLine reports whether the i-th of some decorations is a blank line. Behind a block comment
// the first line break only ends its line:
//
//	/* counts holds a counter. */
//	var counts = map[string]int{}
func isBlankLine(decs []string, i int) bool {
	return decs[i] == "\n" && (i == 0 || !strings.HasPrefix(decs[i-1], "/*"))
}

// removeDecl removes the field, spec or declaration at the cursor. Its comments go to the next
// one, or behind the one before.
func removeDecl(c *dstutil.Cursor) {
	siblings := map[bool]dst.Node{}
	for _, next := range []bool{false, true} {
		siblings[next] = sibling(c.Parent(), c.Index(), next)
	}
	d, cs := c.Node().Decorations(), ownLines(allComments(c.Node()))
	if n := siblings[true]; n != nil {
		nd := n.Decorations()
		nd.Before = max(d.Before, dst.NewLine)
		prepend(&nd.Start, cs)
	} else if p := siblings[false]; p != nil && len(cs) > 0 {
		pd := p.Decorations()
		pd.End.Append("\n")
		pd.End.Append(trimBreak(cs)...)
	}
	c.Delete()
}

// sibling returns the field, spec or declaration before or after the i-th one of parent.
func sibling(parent dst.Node, i int, next bool) dst.Node {
	j := i - 1
	if next {
		j = i + 1
	}
	switch p := parent.(type) {
	case *dst.FieldList:
		if j >= 0 && j < len(p.List) {
			return p.List[j]
		}
	case *dst.GenDecl:
		if j >= 0 && j < len(p.Specs) {
			return p.Specs[j]
		}
	case *dst.File:
		if j >= 0 && j < len(p.Decls) {
			return p.Decls[j]
		}
	}
	return nil
}

// insertBehind puts statements behind the one at the cursor. What stands on lines of their
// own below it stays below.
func (e *editor) insertBehind(c *dstutil.Cursor, bs []dst.Stmt) {
	if c.Index() < 0 {
		panic("a statement to be followed by another is not in a block")
	}
	n := c.Node()
	for e.now[n] != nil {
		n = e.now[n]
	}
	d, last := n.Decorations(), bs[len(bs)-1].Decorations()
	tail, rest := sameLine(d.End)
	if clause := clauseEnding(c); clause != nil && len(d.End) == 0 { // which has the comment then
		own := clause.Decorations()
		tail, own.End = sameLine(own.End)
		own.End = slices.Clone(own.End)
	}
	if len(rest) > 0 && rest[0] != "\n" { // the line comment before it ended its line
		rest = append([]string{"\n"}, rest...)
	}
	d.End, last.End = slices.Clone(tail), slices.Clone(rest)
	last.After, d.After = d.After, dst.NewLine
	for _, s := range slices.Backward(bs) {
		c.InsertAfter(s)
	}
}

// clauseEnding returns the clause of a switch or select that ends with the statement at the cursor.
func clauseEnding(c *dstutil.Cursor) dst.Node {
	var body []dst.Stmt
	switch p := c.Parent().(type) {
	case *dst.CaseClause:
		body = p.Body
	case *dst.CommClause:
		body = p.Body
	}
	if c.Index() == len(body)-1 && len(body) > 0 {
		return c.Parent()
	}
	return nil
}

// isDirective reports whether a comment tells a tool about what follows it.
func isDirective(c string) bool {
	return strings.HasPrefix(c, "//nolint") || strings.HasPrefix(c, "//lint:") || strings.HasPrefix(c, "//go:") || strings.HasPrefix(c, "// #nosec") || strings.HasPrefix(c, "//#nosec") || strings.HasPrefix(c, "//mapmigrate:")
}

// print prints the changed tree, completes its imports and settles it.
func (e *editor) print() *plans.Refusal {
	d, r, err := restore(e.tree)
	if err != nil {
		return e.internal("print", token.NoPos, "%v", err)
	}
	if d, err = editImports(d, e.in.ImportPath, e.in.ImportName, e.in.DropImports); err != nil {
		return e.internal("imports", token.NoPos, "%v", err)
	}
	for _, imp := range e.in.Imports {
		if d, err = addImport(d, imp.Path, imp.Name); err != nil {
			return e.internal("imports", token.NoPos, "%v", err)
		}
	}
	if e.d, err = formatted(d); err != nil {
		return e.internal("format", token.NoPos, "%v", err)
	}
	return e.sameTrees(r)
}
