// This file knows where dst keeps comments: the points of every node in source
// order, and how comments travel when the node that held them goes away.

package rewrite

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/dave/dst"
)

// layouts lists, for every node kind that can occur inside a function or a type,
// its decoration points (+Name) and children (Name) in the order of the source,
// without Start and End. A final "." says that a token follows the last point.
// The order is that of dst's restorer; TestLayouts compares the two.
var layouts = map[string]string{
	"ArrayType":      "+Lbrack Len +Len Elt",
	"AssignStmt":     "Lhs +Tok Rhs",
	"BasicLit":       ".",
	"BinaryExpr":     "X +X +Op Y",
	"BlockStmt":      "+Lbrace List .",
	"BranchStmt":     "+Tok Label",
	"CallExpr":       "Fun +Fun +Lparen Args +Ellipsis .",
	"CaseClause":     "+Case List +Colon Body",
	"ChanType":       "+Begin +Arrow Value",
	"CommClause":     "+Case Comm +Comm +Colon Body",
	"CompositeLit":   "Type +Type +Lbrace Elts .",
	"DeclStmt":       "Decl",
	"DeferStmt":      "+Defer Call",
	"Ellipsis":       "+Ellipsis Elt",
	"EmptyStmt":      ".",
	"ExprStmt":       "X",
	"Field":          "Names Type +Type Tag",
	"FieldList":      "+Opening List .",
	"ForStmt":        "+For Init +Init Cond +Cond Post +Post Body",
	"FuncLit":        "Type +Type Body",
	"FuncType":       "+Func TypeParams +TypeParams Params +Params Results",
	"GenDecl":        "+Tok +Lparen Specs .",
	"GoStmt":         "+Go Call",
	"Ident":          "+X .",
	"IfStmt":         "+If Init +Init Cond +Cond Body +Else Else",
	"ImportSpec":     "Name +Name Path",
	"IncDecStmt":     "X +X .",
	"IndexExpr":      "X +X +Lbrack Index +Index .",
	"IndexListExpr":  "X +X +Lbrack Indices +Indices .",
	"InterfaceType":  "+Interface Methods",
	"KeyValueExpr":   "Key +Key +Colon Value",
	"LabeledStmt":    "Label +Label +Colon Stmt",
	"MapType":        "+Map Key +Key Value",
	"ParenExpr":      "+Lparen X +X .",
	"RangeStmt":      "+For Key +Key Value +Value +Range X +X Body",
	"ReturnStmt":     "+Return Results",
	"SelectStmt":     "+Select Body",
	"SelectorExpr":   "X +X Sel",
	"SendStmt":       "Chan +Chan +Arrow Value",
	"SliceExpr":      "X +X +Lbrack Low +Low High +High Max +Max .",
	"StarExpr":       "+Star X",
	"StructType":     "+Struct Fields",
	"SwitchStmt":     "+Switch Init +Init Tag +Tag Body",
	"TypeAssertExpr": "X +X +Lparen Type +Type .",
	"TypeSpec":       "Name +Name TypeParams +TypeParams Type",
	"TypeSwitchStmt": "+Switch Init +Init Assign +Assign Body",
	"UnaryExpr":      "+Op X",
	"ValueSpec":      "Names Type +Assign Values",
}

// An elem is one point of a node: a list of decorations, a child, or (both nil)
// a final token.
type elem struct {
	decs *dst.Decorations
	node dst.Node
}

// elems returns the points of n in source order, between its Start and its End.
func elems(n dst.Node) []elem {
	v := reflect.ValueOf(n).Elem()
	layout, ok := layouts[v.Type().Name()]
	if !ok {
		panic(fmt.Sprintf("no layout for %T", n))
	}
	var out []elem
	add := func(v reflect.Value) {
		if v.Kind() == reflect.Interface || v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return
			}
		}
		out = append(out, elem{node: v.Interface().(dst.Node)})
	}
	for _, f := range strings.Fields(layout) {
		switch {
		case f == ".":
			out = append(out, elem{})
		case f[0] == '+':
			d := v.FieldByName("Decs").FieldByName(f[1:])
			out = append(out, elem{decs: d.Addr().Interface().(*dst.Decorations)})
		default:
			if c := v.FieldByName(f); c.Kind() == reflect.Slice {
				for i := range c.Len() {
					add(c.Index(i))
				}
			} else {
				add(c)
			}
		}
	}
	return out
}

// takeLeading removes and returns what dst keeps in front of n's first token: dst
// stores it with n, with n's first child, or with the first child of that.
func takeLeading(n dst.Node) (decs []string, before dst.SpaceType) {
	for {
		d := n.Decorations()
		decs = append(decs, d.Start...)
		before = max(before, d.Before)
		d.Start, d.Before = nil, dst.None
		es := elems(n)
		if len(es) == 0 || es[0].node == nil {
			return decs, before
		}
		n = es[0].node
	}
}

// takeTrailing removes and returns what dst keeps behind n's last token.
func takeTrailing(n dst.Node) (decs []string, after dst.SpaceType) {
	for {
		d := n.Decorations()
		decs = append(append([]string{}, d.End...), decs...)
		after = max(after, d.After)
		d.End, d.After = nil, dst.None
		es := elems(n)
		if len(es) == 0 || es[len(es)-1].node == nil {
			return decs, after
		}
		n = es[len(es)-1].node
	}
}

// groups walks the discarded part of n's subtree. It returns, for every moved node
// in source order, the comments that belong to discarded tokens in front of it, and
// the comments behind the last moved node. Line breaks are not kept.
func groups(n dst.Node, moved map[dst.Node]bool) (before map[dst.Node][]string, order []dst.Node, rest []string) {
	before = map[dst.Node][]string{}
	var pending []string
	var walk func(n dst.Node)
	walk = func(n dst.Node) {
		if moved[n] {
			before[n] = pending
			order = append(order, n)
			pending = nil
			return
		}
		pending = append(pending, comments(n.Decorations().Start)...)
		for _, e := range elems(n) {
			if e.node != nil {
				walk(e.node)
			} else if e.decs != nil {
				pending = append(pending, comments(*e.decs)...)
			}
		}
		pending = append(pending, comments(n.Decorations().End)...)
	}
	walk(n)
	return before, order, pending
}

// allComments returns every comment in n's subtree, in source order.
func allComments(n dst.Node) []string {
	_, _, all := groups(n, nil)
	return all
}

// comments returns decs without its line breaks.
func comments(decs []string) []string {
	var out []string
	for _, d := range decs {
		if d != "\n" {
			out = append(out, d)
		}
	}
	return out
}

// splitComments separates comments that may stand inside a line from those that end it.
func splitComments(decs []string) (block, line []string) {
	for _, d := range comments(decs) {
		if strings.HasPrefix(d, "//") || strings.Contains(d, "\n") {
			line = append(line, d)
		} else {
			block = append(block, d)
		}
	}
	return block, line
}

// ownLines turns comments into decorations that stand on lines of their own.
func ownLines(cs []string) []string {
	var out []string
	for _, c := range cs {
		out = append(out, c)
		if !strings.HasPrefix(c, "//") {
			out = append(out, "\n")
		}
	}
	return out
}

func prepend(d *dst.Decorations, decs []string) {
	if len(decs) > 0 {
		d.Prepend(decs...)
	}
}
