// This file defines the operations that the semantic half of rewrite (which site,
// which uses, what they mean) hands to the syntactic half (dst, bytes, comments).

package rewrite

import "go/ast"

// An op is one change to the syntax of a file. Nodes are those of the
// type-checked file; the editor finds their twins in the dst tree. Ops of one
// file may nest (the argument of a call op may hold another op's node): the
// editor applies them innermost first.
//
// Whatever an op does, every comment inside the node it replaces is kept.
type op interface {
	site() int // index of the site that wants the change, for attribution of hunks
	target() ast.Node
}

type opBase struct {
	Site int
	Node ast.Node // the node that is replaced
}

func (b opBase) site() int        { return b.Site }
func (b opBase) target() ast.Node { return b.Node }

// A callOp replaces Node (an expression, or a statement, which then becomes an
// expression statement) by a call
//
//	Recv.Fun(Args...)          when Recv != nil
//	safemap.Fun[TypeArgs](Args...)  when Recv == nil
//
// Recv, TypeArgs and the expressions in Args are nodes inside Node (or Node
// itself, to wrap it: m → m.Snapshot(), lit → safemap.ShardedOf(lit)) and move
// into the call with their comments. A non-primary Recv is parenthesised.
//
// With Into, a statement becomes `Into, _ = Recv.Fun(Args...)`.
//
// For named map types (named.go) it goes through a field: Recv.Via.Fun(Args...), or is
// only that field (Selects), or is the field's value in a literal Wrap{WrapField: …}.
type callOp struct {
	opBase
	Via             string
	Selects         bool
	Wrap, WrapField string
	TypeTexts       []string // TypeArgs as Go source, where there are no nodes
	Recv            ast.Expr
	Fun             string
	TypeArgs        []ast.Expr
	Args            []arg
	Into            string
}

// An arg is one argument of a callOp; exactly one form is set.
type arg struct {
	Expr ast.Expr // the node itself
	Addr bool     // its address
	Func *funcArg // a function literal around nodes
	Text string   // Go source of an expression
}

// A funcArg is a function literal with one return statement:
//
//	func(Param Type) Type { return Body }     Param != ""
//	func() Type { return Body }               Param == ""
//
// Body is built from nodes of the replaced statement:
//   - Body != nil: that expression, with every node of Olds replaced by Param.
//   - Op != "":    Param Op Body (Body parenthesised where precedence asks for it).
//   - IncDec != "": Param + 1 or Param - 1.
type funcArg struct {
	Param  string
	Type   string // Go source of the element type, valid in this file
	Body   ast.Expr
	Olds   []ast.Expr
	Op     string // "+", "<<", … of `m[k] op= Body`
	IncDec string // "+" or "-"
}

// A typeOp replaces a type expression (Node) by [*]safemap.Name[TypeArgs...],
// the arguments being nodes inside Node.
type typeOp struct {
	opBase
	Field    string // a struct with that type for its only field
	Lit      bool   // a value of that type: safemap.Name[TypeArgs...]{}
	Star     bool
	Name     string
	TypeArgs []ast.Expr
}

// A rangeOp turns `for k, v := range m` into `for … := range m.Fun(Args...)`.
// The node is the *ast.RangeStmt; Recv is its X, or for a row the map in m[a]
// with the key in Args. DropKey moves the value into the key's place (Values),
// DropValue removes it (Keys).
type rangeOp struct {
	opBase
	Via       string // as of a callOp
	Recv      ast.Expr
	Fun       string
	Args      []arg
	DropKey   bool
	DropValue bool
}

// A removeOp removes a statement from its block. Its comments move to the
// statement that follows (or precedes it, at the end of a block).
type removeOp struct{ opBase }

// A textOp replaces an expression by other Go source, such as `ok` by `_`.
type textOp struct {
	opBase
	Text string
}

// A hoistOp evaluates Expr before the statement Node: it inserts `Name := Expr`
// in front of Node (a statement in a block) and leaves Name in Expr's place. With
// no Expr, it moves the init of Node, an if statement, there. Several hoists before
// one statement keep their order.
type hoistOp struct {
	opBase
	Expr          ast.Expr
	Name          string
	More          []string // the names of further results of Expr, a call
	Call          string   // a function to call with Expr: `Name := Call(Expr)`
	Before, After []string // statements around it, one line of Go source each
}

// part returns what is moved.
func (o *hoistOp) part() ast.Node {
	if o.Expr != nil {
		return o.Expr
	}
	return o.Node.(*ast.IfStmt).Init
}

// A lockOp puts statements around some of one block: Before in front of Node, After
// behind Last, one line of Go source each.
type lockOp struct {
	opBase
	Last          ast.Stmt
	Before, After []string
}

// A declOp declares `Name Type` in front of Node, a field of a struct, a spec in
// parentheses or a declaration of the package.
type declOp struct {
	opBase
	Name, Type string
}
