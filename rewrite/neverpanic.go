// This file knows what operators and the functions of the standard library panic for.

package rewrite

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// failing reports whether x op y may panic: a division by zero, a negative count of a shift, two
// values that have no ==.
func failing(fi *fileInfo, op token.Token, x, y ast.Expr) bool {
	switch op {
	case token.SHL, token.SHR:
		if basic, ok := fi.pkg.Info.TypeOf(y).Underlying().(*types.Basic); ok && basic.Info()&types.IsUnsigned != 0 {
			return false
		}
	case token.EQL, token.NEQ:
		if fi.isNil(x) || hashable(fi.pkg.Info.TypeOf(x)) {
			return false
		}
	}
	return !harmless(fi, op, y)
}

// hashing reports whether an operation of the map that x names may get a key that has no hash.
func hashing(fi *fileInfo, x ast.Expr) bool {
	m, ok := fi.pkg.Info.TypeOf(x).Underlying().(*types.Map)
	return !ok || !hashable(m.Key())
}

// indexPanics reports whether x[i] may be out of range, or i a key without a hash.
func indexPanics(fi *fileInfo, n *ast.IndexExpr) bool {
	if fi.pkg.Info.Types[n.Index].IsType() || !fi.pkg.Info.Types[n.X].IsValue() {
		return false
	}
	if fi.isMap(n.X) {
		return hashing(fi, n.X)
	}
	_, array := deref(fi.pkg.Info.TypeOf(n.X)).Underlying().(*types.Array)
	return !array || fi.pkg.Info.Types[n.Index].Value == nil
}

// builtinPanics reports whether a call of a builtin may panic.
func builtinPanics(fi *fileInfo, call *ast.CallExpr, name string) bool {
	switch name {
	case "append", "cap", "clear", "complex", "copy", "imag", "len", "max", "min", "new", "print", "println", "real":
		return false
	case "delete":
		return hashing(fi, call.Args[0])
	case "make":
		if size := fi.pkg.Info.Types[call.Args[min(1, len(call.Args)-1)]].Value; len(call.Args) == 3 && !constants(fi, call.Args[1:]) && (size == nil || size.ExactString() != "0") {
			return true // a capacity that may be less than the length
		}
		return slices.ContainsFunc(call.Args[1:], func(a ast.Expr) bool {
			size, ok := ast.Unparen(a).(*ast.CallExpr)
			return fi.pkg.Info.Types[a].Value == nil && (!ok || fi.builtin(size) != "len")
		})
	}
	return true
}

// constants reports whether all of some expressions are constants.
func constants(fi *fileInfo, list []ast.Expr) bool {
	return !slices.ContainsFunc(list, func(e ast.Expr) bool { return fi.pkg.Info.Types[e].Value == nil })
}

// panicsNever reports whether a function of the standard library is known never to panic, given
// what is no nil pointer.
func panicsNever(fi *fileInfo, fn *types.Func, call *ast.CallExpr) bool {
	if fn.Pkg() == nil {
		return false // error.Error, whoever's
	}
	key := fn.Pkg().Path()
	if recv := fn.Signature().Recv(); recv != nil {
		key = keyOf(recv.Type())
	}
	if baseArg[fn.FullName()] && len(call.Args) > 1 {
		base := fi.pkg.Info.Types[call.Args[len(call.Args)-1]].Value
		n, ok := constant.Int64Val(constantInt(base))
		return ok && 2 <= n && n <= 36
	}
	if sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok && key == "strings.Builder" && !ownBuilder(fi, sel.X) {
		return false // it panics where it has been copied
	}
	if key == "slices" && len(call.Args) > 0 { // Contains, Index, Equal, … compare elements
		if s, ok := core(fi.pkg.Info.TypeOf(call.Args[0])).(*types.Slice); !ok || !hashable(s.Elem()) {
			return false
		}
	}
	return wholly[key] || slices.Contains(strings.Fields(neverPanic[key]), fn.Name())
}

// ownBuilder reports whether x is a variable that began as an empty strings.Builder, or a pointer.
func ownBuilder(fi *fileInfo, x ast.Expr) bool {
	if isPointer(fi.pkg.Info.TypeOf(x)) {
		return true
	}
	id, ok := ast.Unparen(x).(*ast.Ident)
	if !ok {
		return true // a field: a copy of its struct is seldom made
	}
	v, ok := fi.object(id).(*types.Var)
	return !ok || v.IsField() || v.Parent() == v.Pkg().Scope() || isNew(fi, v)
}

// constantInt returns a constant as an integer, or as what is none.
func constantInt(v constant.Value) constant.Value {
	if v == nil {
		return constant.MakeUnknown()
	}
	return constant.ToInt(v)
}

// baseArg are the functions whose last argument is a base from 2 to 36.
var baseArg = map[string]bool{"strconv.FormatInt": true, "strconv.FormatUint": true, "strconv.AppendInt": true, "strconv.AppendUint": true}

// wholly are the packages and types none of whose functions panics.
var wholly = map[string]bool{
	"math": true, "html": true, "path": true, "sync/atomic": true, "time.Duration": true,
	"sync/atomic.Int32": true, "sync/atomic.Int64": true, "sync/atomic.Uint32": true, "sync/atomic.Uint64": true,
	"sync/atomic.Uintptr": true, "sync/atomic.Bool": true, "sync/atomic.Pointer": true,
}

// neverPanic are the functions of the packages, and the methods of the types, that may run under a
// lock and never panic. The others may, or nobody has looked yet.
var neverPanic = map[string]string{
	"errors": "New",
	"fmt":    "Errorf Sprint Sprintf Sprintln",
	"strings": "Clone Compare Contains ContainsAny ContainsRune Count Cut CutPrefix CutSuffix EqualFold Fields HasPrefix HasSuffix Index IndexAny IndexByte IndexRune " +
		"Join LastIndex LastIndexAny LastIndexByte Replace ReplaceAll Split SplitAfter SplitAfterN SplitN Title ToLower ToTitle ToUpper ToValidUTF8 Trim TrimLeft TrimPrefix " +
		"TrimRight TrimSpace TrimSuffix",
	"bytes": "Clone Compare Contains ContainsAny ContainsRune Count Cut CutPrefix CutSuffix Equal EqualFold Fields HasPrefix HasSuffix Index IndexAny IndexByte IndexRune " +
		"Join LastIndex LastIndexAny LastIndexByte Replace ReplaceAll Split SplitN Title ToLower ToTitle ToUpper ToValidUTF8 Trim TrimLeft TrimPrefix TrimRight TrimSpace TrimSuffix",
	"strconv":             "AppendBool AppendQuote Atoi FormatBool Itoa ParseBool ParseFloat ParseInt ParseUint Quote QuoteRune QuoteToASCII Unquote",
	"unicode":             "IsControl IsDigit IsGraphic IsLetter IsLower IsMark IsNumber IsPrint IsPunct IsSpace IsSymbol IsTitle IsUpper SimpleFold To ToLower ToTitle ToUpper",
	"unicode/utf8":        "AppendRune DecodeLastRune DecodeLastRuneInString DecodeRune DecodeRuneInString FullRune RuneCount RuneCountInString RuneLen Valid ValidRune ValidString",
	"math/bits":           "Add64 LeadingZeros LeadingZeros32 LeadingZeros64 Len Len32 Len64 Mul64 OnesCount OnesCount32 OnesCount64 Reverse RotateLeft RotateLeft64 TrailingZeros TrailingZeros64",
	"path/filepath":       "Base Clean Dir Ext FromSlash IsAbs Join Match Rel Split ToSlash VolumeName",
	"sort":                "Float64s Ints IsSorted SearchInts SearchStrings Slice SliceIsSorted SliceStable Sort Stable Strings",
	"maps":                "Clone Keys Values",
	"slices":              "BinarySearch Clone Clip Collect Compact CompactFunc Compare Contains ContainsFunc DeleteFunc Equal Index IndexFunc IsSorted Reverse Sort SortFunc SortStableFunc Sorted Values",
	"time":                "Now Since Unix UnixMilli Until",
	"time.Time":           "Add AddDate After Before Compare Day Equal Format Hour IsZero Local Minute Month Nanosecond Round Second String Sub Truncate UTC Unix UnixMicro UnixMilli UnixNano Weekday Year YearDay",
	"strings.Builder":     "Cap Len Reset String Write WriteByte WriteRune WriteString",
	"bytes.Buffer":        "Bytes Cap Len Reset String Write WriteByte WriteRune WriteString",
	"net/url.Values":      "Del Encode Get Has",
	"net/http.Header":     "Clone Del Get Values",
	"sync/atomic.Value":   "Load",
	"container/list.List": "Back Front Init Len PushBack PushFront",
	"html/template":       "HTMLEscapeString",
}
