// This file makes values: receivers, arguments, requests, stubs.

package racetest

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"

	"github.com/mapmigrate/mapmigrate/detect"
	"golang.org/x/tools/go/types/typeutil"
)

// A synth writes Go expressions for values of given types, in the file of one test.
type synth struct {
	x          *index
	pkg        *detect.Package
	imports    map[string]string // path → name, "" when the package's own
	taken      map[string]bool   // names in use anywhere in the file
	insts      map[*types.Named][]types.Type
	shareable  func(*types.Named) bool
	shared     map[*types.Named]string // variables that both sides use
	setup      []string                // statements before the two sides
	side       *[]string               // statements of the side being written; nil means setup
	stubs      []string                // declarations after the test
	setupNames map[string]bool         // names that setup got while a side was being written
	touched    map[*types.Var]bool     // fields that the sides use
	leaveNil   *types.Var              // the map, when the program makes it lazily
	formless   *types.Var              // the map, when the test does not know what type it has got
	wait       bool                    // something needs stopping: contexts get cancelled, done channels closed
	used       map[*fn]bool            // constructors called
	involved   []*fn                   // what else the test may call
	shut       map[*types.Var]bool     // fields that have to stay zero, see shut.go
	stubsFirst bool                    // interfaces are stubs even where a type of the program has their methods
	apart      bool                    // structs among arguments hold other values than what is made before
	way        int                     // which other way to make an argument is still to be taken
	plain      bool                    // constructors that can fail are not called
	called     map[string]bool         // the names of interface methods that the code under test calls
	crowded    bool                    // maps and slices have four elements, see scenario
	member     int                     // which of them is being made, from 1; 0: none
	listed     bool                    // as an element of a list that it has
	filled     bool                    // in literals, maps and slices have an element, and strings and numbers are not zero
	making     map[*types.Named]bool
	stops      []string // statements that end what the test started, run last first

	// For interleavings, where two calls with equal arguments would hide who was last:
	// second says that the side being written is the other one, whose values differ but
	// for the keys, which are what keys lists, in this order.
	second bool
	vary   bool // the value being written is no key
	keys   []types.Type
	stubOf func(name string) bool // reserves a stub's name in the package

	selves   map[*types.Named]string // values of the stubs of interfaces that are being written
	standIns map[*types.Named]string // stubs that are type arguments, with a value of each
}

const maxDepth = 4

func (s *synth) stmt(text string) {
	if s.side != nil {
		*s.side = append(*s.side, text)
	} else {
		s.setup = append(s.setup, text)
	}
}

// begin starts the statements of a side. They stand in a function literal of
// their own, so that each side may use the same names.
func (s *synth) begin(stmts *[]string) (end func()) {
	before := maps.Clone(s.taken)
	s.side, s.setupNames = stmts, map[string]bool{}
	return func() {
		s.side = nil
		for _, name := range s.imports {
			before[name] = true
		}
		maps.Copy(before, s.setupNames)
		s.taken = before
	}
}

// name returns a fresh identifier.
func (s *synth) name(want string) string {
	if want == "" || want == "_" || token.IsKeyword(want) {
		want = "v"
	}
	name := want
	for i := 2; s.taken[name] || types.Universe.Lookup(name) != nil || s.pkg.Types.Scope().Lookup(name) != nil; i++ {
		name = want + strconv.Itoa(i)
	}
	s.taken[name] = true
	if s.side == nil && s.setupNames != nil {
		s.setupNames[name] = true
	}
	return name
}

// use imports a package and returns the name to qualify with.
func (s *synth) use(importPath string) string {
	if importPath == s.pkg.Path {
		return ""
	}
	if name, ok := s.imports[importPath]; ok {
		return name
	}
	base := path.Base(importPath)
	if p := s.x.byPath[importPath]; p != nil {
		base = p.Name
	} else if importPath == "math/rand/v2" {
		base = "rand"
	} else if strings.HasPrefix(importPath, "gopkg.in/") {
		base, _, _ = strings.Cut(base, ".v")
	}
	name := base
	for i := 2; s.taken[name] || s.pkg.Types.Scope().Lookup(name) != nil; i++ {
		name = base + strconv.Itoa(i)
	}
	s.taken[name] = true
	s.imports[importPath] = name
	return name
}

func (s *synth) qualifier(p *types.Package) string {
	if p == s.pkg.Types || p.Path() == s.pkg.Path {
		return ""
	}
	if _, ok := s.imports[p.Path()]; !ok && p.Name() != path.Base(p.Path()) {
		name := p.Name()
		for i := 2; s.taken[name] || s.pkg.Types.Scope().Lookup(name) != nil; i++ {
			name = p.Name() + strconv.Itoa(i)
		}
		s.taken[name] = true
		s.imports[p.Path()] = name
	}
	return s.use(p.Path())
}

func (s *synth) typ(t types.Type) string { return types.TypeString(t, s.qualifier) }

// visible reports whether the test file can name an object.
func (s *synth) visible(o types.Object) bool {
	if o.Pkg() == nil || o.Pkg() == s.pkg.Types {
		return true
	}
	return o.Exported() && s.importable(o.Pkg().Path())
}

// importable reports whether the test's package can import another one.
func (s *synth) importable(path string) bool {
	if !internalOK(path, s.pkg.Path) {
		return false
	}
	p := s.x.byPath[path]
	return p == nil || !s.x.imports(p, s.pkg)
}

func internalOK(path, from string) bool {
	i := strings.LastIndex("/"+path+"/", "/internal/")
	if i < 0 {
		return true
	}
	root := strings.TrimSuffix(path[:max(i-1, 0)], "/")
	return from == root || strings.HasPrefix(from, root+"/")
}

// imports reports whether p depends on q.
func (x *index) imports(p, q *detect.Package) bool {
	if p == q {
		return true
	}
	for _, imp := range p.Imports {
		if x.imports(imp, q) {
			return true
		}
	}
	return false
}

// expressible reports whether a type can be written in the test file.
func (s *synth) expressible(t types.Type) bool {
	ok := true
	seen := map[types.Type]bool{}
	var visit func(types.Type)
	visit = func(t types.Type) {
		if seen[t] || !ok {
			return
		}
		seen[t] = true
		switch t := t.(type) {
		case *types.Alias:
			ok = ok && s.visible(t.Obj())
		case *types.Named:
			ok = ok && s.visible(t.Obj()) && (s.standIns[t] != "" || t.Obj().Pkg() == nil || t.Obj().Parent() == t.Obj().Pkg().Scope())
			for i := range t.TypeArgs().Len() {
				visit(t.TypeArgs().At(i))
			}
		case *types.Pointer:
			visit(t.Elem())
		case *types.Slice:
			visit(t.Elem())
		case *types.Array:
			visit(t.Elem())
		case *types.Chan:
			visit(t.Elem())
		case *types.Map:
			visit(t.Key())
			visit(t.Elem())
		case *types.Signature:
			for i := range t.Params().Len() {
				visit(t.Params().At(i).Type())
			}
			for i := range t.Results().Len() {
				visit(t.Results().At(i).Type())
			}
		case *types.Struct:
			for i := range t.NumFields() {
				ok = ok && (t.Field(i).Exported() || t.Field(i).Pkg() == s.pkg.Types)
				visit(t.Field(i).Type())
			}
		case *types.TypeParam:
			ok = false
		}
	}
	visit(t)
	return ok
}

func named(t types.Type) *types.Named {
	n, _ := types.Unalias(t).(*types.Named)
	return n
}

// value returns an expression of type t. hint is the parameter's or field's name.
func (s *synth) value(t types.Type, hint string, depth int) (string, error) {
	if depth > maxDepth {
		return "", fmt.Errorf("%s needs values nested too deeply", s.short(t))
	}
	t = types.Unalias(t)
	if n := named(t); n != nil && s.standIns[n] != "" {
		return s.standIns[n], nil
	} else if n != nil && s.selves[n] != "" {
		return s.selves[n], nil
	}
	if e, ok, err := s.known(t, hint); ok || err != nil {
		return e, err
	}
	if !s.expressible(t) {
		return "", fmt.Errorf("the type %s cannot be written in package %s", s.short(t), s.pkg.Name)
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsString != 0 && s.member > 2:
			return `"b"`, nil
		case u.Info()&types.IsNumeric != 0 && s.member > 0:
			return strconv.Itoa((s.member + 1) / 2), nil
		case u.Info()&types.IsString != 0 && s.vary:
			return `"b"`, nil
		case u.Info()&types.IsString != 0:
			return text(hint), nil
		case u.Info()&types.IsNumeric != 0 && s.vary:
			return "2", nil
		case u.Info()&types.IsNumeric != 0:
			return "1", nil
		case u.Info()&types.IsBoolean != 0:
			return "true", nil
		}
		return "", fmt.Errorf("no test value for %s", s.short(t))
	case *types.Slice:
		if b, ok := u.Elem().Underlying().(*types.Basic); ok {
			switch {
			case b.Kind() == types.Byte:
				return s.typ(t) + `("a")`, nil
			case b.Info()&types.IsString != 0 && strings.Contains(strings.ToLower(hint), "label"): // of a metric, which is given one value most often
				return s.typ(t) + `{"a"}`, nil
			case b.Info()&types.IsString != 0:
				return s.typ(t) + `{"a", "b", "c"}`, nil
			case b.Info()&types.IsNumeric != 0:
				return s.typ(t) + `{1, 2, 3}`, nil
			}
		}
		if list := s.crowd(nil, u.Elem(), hint, depth); list != "" {
			return s.typ(t) + "{" + list + "}", nil
		}
		outer := s.listed
		s.listed = true
		e, err := s.value(u.Elem(), hint, depth+1)
		s.listed = outer
		if err != nil {
			return s.typ(t) + "{}", nil
		}
		if _, ok := u.Elem().Underlying().(*types.Signature); ok { // what runs each needs two to meet
			e += ", " + e
		}
		return s.typ(t) + "{" + s.elided(e, u.Elem()) + "}", nil
	case *types.Array: // an identifier: the one that the crowd's map has it under
		id := s.member - 1
		if s.listed { // something of that kind
			id /= 2
		}
		if b, ok := u.Elem().Underlying().(*types.Basic); ok && id > 0 && u.Len() > 0 && b.Info()&types.IsNumeric != 0 {
			return s.typ(t) + "{" + strconv.Itoa(id) + "}", nil
		}
		return s.typ(t) + "{}", nil
	case *types.Map:
		if list := s.crowd(u.Key(), u.Elem(), hint, depth); list != "" {
			return s.typ(t) + "{" + list + "}", nil
		}
		k, err1 := s.value(u.Key(), hint, depth+1)
		v, err2 := s.value(u.Elem(), hint, depth+1)
		if err1 != nil || err2 != nil {
			return s.typ(t) + "{}", nil
		}
		list := s.elided(k, u.Key()) + ": " + s.elided(v, u.Elem())
		for _, e := range s.asserted(t, depth) {
			list += ", " + e
		}
		return s.typ(t) + "{" + list + "}", nil
	case *types.Chan:
		return s.channel(t, u, hint, depth)
	case *types.Signature:
		return s.function(u, depth)
	case *types.Pointer:
		if n := named(u.Elem()); n != nil {
			if _, ok := n.Underlying().(*types.Struct); ok {
				return s.structure(n, true, hint, depth)
			}
		}
		if b, ok := u.Elem().(*types.Basic); ok && b.Info()&types.IsNumeric != 0 { // a limit, a weight: none at all is an odd one
			v, err := s.value(b, hint, depth+1)
			if err != nil {
				return "", err
			}
			at := s.name(lowered(hint))
			if b.Kind() == types.Int {
				s.stmt(at + " := " + v)
			} else {
				s.stmt("var " + at + " " + s.typ(b) + " = " + v)
			}
			return "&" + at, nil
		}
		return "new(" + s.typ(u.Elem()) + ")", nil
	case *types.Struct:
		if n := named(t); n != nil {
			return s.structure(n, false, hint, depth)
		}
		return s.typ(t) + "{}", nil
	case *types.Interface:
		return s.implementer(t, u, hint, depth)
	}
	return "", fmt.Errorf("no test value for %s", s.short(t))
}

// crowd returns four elements of a slice (or of a map, with different keys), two of a kind, or
// "" where one has to do.
func (s *synth) crowd(key, elem types.Type, hint string, depth int) string {
	if !s.crowded || s.member > 0 || depth > 2 {
		return ""
	}
	defer func() { s.member = 0 }()
	var list []string
	for i := 1; i <= 4; i++ {
		s.member = i
		v, err := s.value(elem, hint, depth+1)
		if err != nil {
			return ""
		}
		v = s.elided(v, elem)
		if key != nil {
			k := ""
			switch u := key.Underlying().(type) {
			case *types.Basic:
				k = strconv.Itoa(i)
				if u.Info()&types.IsString != 0 {
					k = strconv.Quote(string(rune('a' + i - 1)))
				} else if u.Info()&types.IsNumeric == 0 {
					return ""
				}
			case *types.Array:
				b, ok := u.Elem().Underlying().(*types.Basic)
				if !ok || b.Info()&types.IsNumeric == 0 || u.Len() == 0 {
					return ""
				}
				k = "{" + strconv.Itoa(i-1) + "}"
			default:
				return ""
			}
			v = k + ": " + v
		}
		list = append(list, v)
	}
	out := strings.Join(list, ", ")
	if len(out) > 70 {
		out = "\n" + strings.Join(list, ",\n") + ",\n"
	}
	return out
}

// text is a string for a parameter or field of that name: one that code which takes it apart
// can read.
func text(hint string) string {
	switch h := strings.ToLower(hint); {
	case h == "spec" || strings.Contains(h, "cron") || strings.Contains(h, "schedule"):
		return `"0 0 * * *"`
	}
	return `"a"`
}

// elided leaves out the type of a composite literal in another one that says it already.
func (s *synth) elided(e string, t types.Type) string {
	text := s.typ(t) + "{"
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		text = "&" + s.typ(p.Elem()) + "{"
	}
	if rest, ok := strings.CutPrefix(e, text); ok && strings.HasSuffix(e, "}") {
		return "{" + rest
	}
	return e
}

func (s *synth) short(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == s.pkg.Types {
			return ""
		}
		return p.Name()
	})
}

// known are types whose values have a usual form in tests.
func (s *synth) known(t types.Type, hint string) (string, bool, error) {
	q := func(path, rest string) (string, bool, error) { return s.use(path) + rest, true, nil }
	switch types.TypeString(t, nil) {
	case "error":
		return q("errors", `.New("a")`)
	case "context.Context":
		if s.wait {
			side := s.side
			s.side = nil
			ctx, cancel := s.name("ctx"), s.name("cancel")
			s.side = side
			c := s.use("context")
			s.setup = append(s.setup, fmt.Sprintf("%s, %s := %s.WithCancel(%s.Background())", ctx, cancel, c, c))
			s.stops = append(s.stops, cancel+"()")
			return ctx, true, nil
		}
		return q("context", ".Background()")
	case "context.CancelFunc":
		return "func() {}", true, nil
	case "time.Duration":
		return q("time", ".Second")
	case "time.Time":
		return q("time", ".Now()")
	case "net/http.ResponseWriter":
		return q("net/http/httptest", ".NewRecorder()")
	case "*net/http.Request":
		return q("net/http/httptest", `.NewRequest("GET", "/", nil)`)
	case "net/http.Handler":
		return q("net/http", ".NotFoundHandler()")
	case "net/http.Header":
		return q("net/http", ".Header{}")
	case "*net/url.URL":
		return "&" + s.use("net/url") + `.URL{Path: "/a"}`, true, nil
	case "io.Reader", "io.ByteReader", "io.RuneReader":
		return q("strings", `.NewReader("a")`)
	case "io.Writer":
		return q("io", ".Discard")
	case "io.ReadCloser":
		r := s.use("strings")
		return q("io", ".NopCloser("+r+`.NewReader("a"))`)
	case "*log.Logger":
		l := s.use("log")
		return l + ".New(" + s.use("io") + `.Discard, "", 0)`, true, nil
	case "*log/slog.Logger":
		l := s.use("log/slog")
		return fmt.Sprintf("%s.New(%s.NewTextHandler(%s.Discard, nil))", l, l, s.use("io")), true, nil
	case "sync.Locker":
		return "new(" + s.use("sync") + ".Mutex)", true, nil
	case "*sync.WaitGroup":
		v := s.name("done")
		s.stmt(fmt.Sprintf("var %s %s.WaitGroup", v, s.use("sync")))
		s.stmt(v + ".Add(1)")
		return "&" + v, true, nil
	case "*testing.T", "testing.TB":
		return "t", true, nil
	case "github.com/prometheus/client_golang/prometheus.Registerer", "github.com/prometheus/client_golang/prometheus.Gatherer", "*github.com/prometheus/client_golang/prometheus.Registry":
		return s.of(t, "NewRegistry()")
	case "github.com/prometheus/client_golang/prometheus.CounterOpts", "github.com/prometheus/client_golang/prometheus.GaugeOpts",
		"github.com/prometheus/client_golang/prometheus.HistogramOpts", "github.com/prometheus/client_golang/prometheus.SummaryOpts":
		return s.typ(t) + `{Name: "a"}`, true, nil
	case "github.com/go-kit/log.Logger", "github.com/go-kit/kit/log.Logger":
		return s.of(t, "NewNopLogger()")
	case "*go.uber.org/zap.Logger":
		return s.of(t, "NewNop()")
	case "*go.uber.org/zap.SugaredLogger":
		return s.of(t, "NewNop().Sugar()")
	case "github.com/sirupsen/logrus.FieldLogger", "*github.com/sirupsen/logrus.Logger":
		return s.of(t, "New()")
	case "*github.com/sirupsen/logrus.Entry":
		if l, ok, err := s.of(t, "NewEntry("); ok {
			n, _, _ := s.of(t, "New())")
			return l + n, true, err
		}
	case "github.com/rs/zerolog.Logger":
		return s.of(t, "Nop()")
	case "github.com/hashicorp/go-hclog.Logger":
		return s.of(t, "NewNullLogger()")
	case "github.com/go-logr/logr.Logger":
		return s.of(t, "Discard()")
	case "github.com/spf13/afero.Fs":
		return s.of(t, "NewMemMapFs()")
	case "*testing.B", "unsafe.Pointer", "*os.File", "net.Conn", "net.Listener", "*database/sql.DB", "*os/exec.Cmd":
		return "", false, fmt.Errorf("a test cannot make a %s", s.short(t))
	}
	return "", false, nil
}

// of qualifies an expression with the package that declares t, where the test can name it: what
// libraries have for tests.
func (s *synth) of(t types.Type, expr string) (string, bool, error) {
	if n := named(derefType(t)); n != nil && s.visible(n.Obj()) {
		return s.qualifier(n.Obj().Pkg()) + "." + expr, true, nil
	}
	return "", false, nil
}

// channel makes a channel: one of values comes filled and closed, so that a loop
// over it ends; one that only signals is closed when the test is done.
func (s *synth) channel(t types.Type, u *types.Chan, hint string, depth int) (string, error) {
	elem := s.typ(u.Elem())
	st, isStruct := u.Elem().Underlying().(*types.Struct)
	signal := isStruct && st.NumFields() == 0
	side := s.side
	if signal {
		s.side = nil
	}
	ch := s.name(hint)
	s.side = side
	switch {
	case signal:
		s.setup = append(s.setup, fmt.Sprintf("%s := make(chan %s)", ch, elem))
		s.stops = append(s.stops, "close("+ch+")")
	case u.Dir() == types.SendOnly:
		s.stmt(fmt.Sprintf("%s := make(chan %s, 64)", ch, elem))
	default:
		v, err := s.value(u.Elem(), hint, depth+1)
		if err != nil {
			return "", err
		}
		s.stmt(fmt.Sprintf("%s := make(chan %s, 1)", ch, elem))
		s.stmt(fmt.Sprintf("%s <- %s", ch, v))
		s.stmt(fmt.Sprintf("close(%s)", ch))
	}
	return ch, nil
}

// function writes a literal that does nothing.
func (s *synth) function(sig *types.Signature, depth int) (string, error) {
	return s.nop(sig, depth, "func")
}

func (s *synth) nop(sig *types.Signature, depth int, head string) (string, error) {
	var b strings.Builder
	b.WriteString(head + "(")
	for i := range sig.Params().Len() {
		if i > 0 {
			b.WriteString(", ")
		}
		pt := sig.Params().At(i).Type()
		if sig.Variadic() && i == sig.Params().Len()-1 {
			b.WriteString("..." + s.typ(pt.(*types.Slice).Elem()))
		} else {
			b.WriteString(s.typ(pt))
		}
	}
	b.WriteString(")")
	res := sig.Results()
	if res.Len() == 0 {
		return b.String() + " {}", nil
	}
	var typs, vals []string
	for i := range res.Len() {
		rt := res.At(i).Type()
		typs = append(typs, s.typ(rt))
		if types.TypeString(rt, nil) == "error" {
			vals = append(vals, "nil")
			continue
		}
		side := s.side
		var inner []string
		s.side = &inner
		v, err := s.value(rt, "v", depth+1)
		s.side = side
		if err != nil || len(inner) > 0 { // not as an expression: the zero value has to do
			if v = zero(s, rt); v == "" {
				return "", fmt.Errorf("no test value for %s", s.short(rt))
			}
		}
		vals = append(vals, v)
	}
	results := strings.Join(typs, ", ")
	if len(typs) > 1 {
		results = "(" + results + ")"
	}
	return b.String() + " " + results + " { return " + strings.Join(vals, ", ") + " }", nil
}

func zero(s *synth, t types.Type) string {
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsString != 0:
			return `""`
		case u.Info()&types.IsNumeric != 0:
			return "0"
		case u.Info()&types.IsBoolean != 0:
			return "false"
		}
	case *types.Struct, *types.Array:
		return s.typ(t) + "{}"
	case *types.Pointer, *types.Slice, *types.Map, *types.Chan, *types.Signature, *types.Interface:
		return "nil"
	}
	return ""
}

// structure makes a struct or a pointer to one: by a constructor when there is a
// callable one, else by a literal that fills what the code under test uses.
func (s *synth) structure(n *types.Named, ptr bool, hint string, depth int) (string, error) {
	org := n.Origin()
	if v, ok := s.shared[org]; ok {
		return deref(v, !ptr), nil
	}
	if s.making[org] {
		return "", fmt.Errorf("making a %s needs another one", s.short(n))
	}
	s.making[org] = true
	defer delete(s.making, org)

	share := s.shareable != nil && s.shareable(org)
	side := s.side
	if share {
		s.side = nil
	}
	e, isPtr, fresh, err := s.construct(n, hint, depth)
	if err != nil {
		s.side = side
		return "", err
	}
	if share {
		if !fresh {
			v := s.name(varName(n))
			s.stmt(v + " := " + e)
			e = v
			if s.wait {
				s.stop(v, n)
			}
		}
		if s.stubsFirst && !strings.HasPrefix(e, "&") {
			s.inject(e, n, depth)
		}
		if !isPtr { // a struct value: both sides take its address
			e = "&" + e
		}
		s.shared[org] = e
		s.side = side
		return deref(e, !ptr), nil
	}
	switch {
	case isPtr == ptr:
		return e, nil
	case ptr && strings.HasSuffix(e, "}"): // a literal
		return "&" + e, nil
	case ptr:
		v := e
		if !fresh {
			v = s.name(varName(n))
			s.stmt(v + " := " + e)
		}
		return "&" + v, nil
	}
	return deref(e, true), nil
}

// deref turns a pointer expression into its value where asked to.
func deref(e string, value bool) string {
	if !value {
		return e
	}
	if rest, ok := strings.CutPrefix(e, "&"); ok {
		return rest
	}
	return "*" + e
}

// lowered turns an exported name into that of a variable: HTTPServer → httpServer.
func lowered(name string) string {
	r := []rune(name)
	i := 0
	for i < len(r) && unicode.IsUpper(r[i]) {
		i++
	}
	if i > 1 && i < len(r) {
		i--
	}
	for k := range i {
		r[k] = unicode.ToLower(r[k])
	}
	return string(r)
}

func varName(n *types.Named) string {
	name := n.Obj().Name()
	if low := lowered(name); low != name {
		return low
	}
	// The type has the name: its last word, or its beginning. t is the test.
	for _, role := range []string{"Impl", "Base", "Internal"} {
		if short := strings.TrimSuffix(name, role); len(short) > 1 {
			name = short
		}
	}
	if i := strings.LastIndexFunc(name, unicode.IsUpper); i > 0 {
		return strings.ToLower(name[i:])
	}
	r := []rune(n.Obj().Name())
	if r[0] == 't' {
		return string(r[:min(2, len(r))])
	}
	return string(r[:1])
}

// inject gives the fields of a new n that hold what others provide (a logger, a client), and that what
// has made it leaves nil, something that does nothing:
//
//	consumer := New()
//	consumer.Log = nopLogger{}
func (s *synth) inject(v string, n *types.Named, depth int) {
	st, ok := n.Underlying().(*types.Struct)
	var maker *fn
	for c := range s.used {
		made := named(derefType(c.obj.Signature().Results().At(0).Type()))
		if made != nil && made.Origin() == n.Origin() && (maker == nil || c.decl.Pos() < maker.decl.Pos()) {
			maker = c
		}
	}
	if !ok || maker == nil || n.TypeParams().Len() > 0 {
		return
	}
	set := s.x.reach(maker).isSet
	for f := range st.Fields() {
		_, iface := f.Type().Underlying().(*types.Interface)
		_, function := f.Type().Underlying().(*types.Signature)
		if !iface && !function || f.Embedded() || set[f] || !s.touched[f] || s.shut[f] || !f.Exported() && f.Pkg() != s.pkg.Types {
			continue
		}
		mark := s.mark()
		if value, err := s.value(f.Type(), f.Name(), depth+1); err == nil {
			s.stmt(v + "." + f.Name() + " = " + value)
		} else {
			s.reset(mark)
		}
	}
}

func derefType(t types.Type) types.Type {
	if p, ok := t.(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// construct returns an expression for a new n: whether it is a pointer, and
// whether it is already a variable of its own.
func (s *synth) construct(n *types.Named, hint string, depth int) (expr string, isPtr, fresh bool, err error) {
	if s.way > 0 && (s.shareable == nil || !s.shareable(n.Origin())) {
		if w := s.otherWay(n, depth, s.way); w != nil {
			s.way = 0
			s.used[w.f] = true
			s.involved = append(s.involved, w.option)
			_, isPtr := w.f.obj.Signature().Results().At(0).Type().(*types.Pointer)
			return w.call, isPtr, false, nil
		}
	}
	var why error
	for _, c := range s.constructors(n) {
		mark := s.mark()
		expr, isPtr, fresh, err = s.callConstructor(c, n, depth)
		if err == nil {
			return expr, isPtr, fresh, nil
		}
		s.reset(mark)
		why = err
	}
	expr, isPtr, err = s.literal(n, depth)
	if err != nil && why != nil {
		err = why
	}
	return expr, isPtr, false, err
}

type marks struct{ setup, stops, stubs, side int }

func (s *synth) mark() marks {
	m := marks{setup: len(s.setup), stops: len(s.stops), stubs: len(s.stubs)}
	if s.side != nil {
		m.side = len(*s.side)
	}
	return m
}

func (s *synth) reset(m marks) {
	s.setup, s.stops, s.stubs = s.setup[:m.setup], s.stops[:m.stops], s.stubs[:m.stubs]
	if s.side != nil {
		*s.side = (*s.side)[:m.side]
	}
}

// constructors lists the functions of n's package that return one, the simplest first.
func (s *synth) constructors(n *types.Named) []*fn {
	pkg := n.Obj().Pkg()
	if pkg == nil || s.x.byTypes[pkg] == nil {
		return nil
	}
	type cand struct {
		f    *fn
		rank int
	}
	var cands []cand
	scope := pkg.Scope()
	for _, name := range scope.Names() {
		obj, ok := scope.Lookup(name).(*types.Func)
		f := s.x.funcs[obj]
		if !ok || f == nil || !s.visible(obj) || obj.Name() == "main" {
			continue
		}
		res := obj.Signature().Results()
		if res.Len() == 0 || res.Len() > 3 || s.plain && isError(res.At(res.Len()-1).Type()) {
			continue
		}
		r := res.At(0).Type()
		if p, ok := r.(*types.Pointer); ok {
			r = p.Elem()
		}
		if rn := named(r); rn == nil || rn.Origin() != n.Origin() {
			continue
		}
		if p := obj.Signature().TypeParams(); p.Len() != 0 && p.Len() != n.TypeParams().Len() && p.Len() != n.TypeArgs().Len() {
			continue
		}
		low := strings.ToLower(name)
		t := strings.ToLower(n.Obj().Name())
		rank := 0
		switch {
		case low == "new"+t:
		case low == "new":
			rank = 1
		case strings.HasPrefix(low, "new"):
			rank = 3
		case strings.HasPrefix(low, "make"), strings.HasPrefix(low, "create"), strings.HasPrefix(low, "init"), strings.HasPrefix(low, "open"), strings.HasPrefix(low, "build"), strings.HasPrefix(low, "default"):
			rank = 5
		default:
			continue // a getter, perhaps of something shared
		}
		sig := obj.Signature()
		params := sig.Params().Len()
		if sig.Variadic() {
			params--
		}
		cands = append(cands, cand{f, rank*100 + params})
	}
	sort.SliceStable(cands, func(i, j int) bool { return cands[i].rank < cands[j].rank })
	out := make([]*fn, len(cands))
	for i, c := range cands {
		out[i] = c.f
	}
	return out
}

func isError(t types.Type) bool { return types.TypeString(t, nil) == "error" }

func (s *synth) callConstructor(c *fn, n *types.Named, depth int) (expr string, isPtr, fresh bool, err error) {
	r := s.x.reach(c)
	if s.shut != nil {
		r = s.x.reachShut(s.shut, c)
		for v := range s.shut {
			if r.isSet[v] {
				return "", false, false, fmt.Errorf("%s sets a field that would have it reach more than a test may", c.obj.Name())
			}
		}
	}
	if r.unsafe != "" {
		return "", false, false, fmt.Errorf("%s", r.unsafe)
	}
	if r.forever {
		return "", false, false, fmt.Errorf("%s does not return", c.obj.Name())
	}
	sig := c.obj.Signature()
	inst := ""
	if sig.TypeParams().Len() > 0 {
		targs := s.targs(n)
		t, err := types.Instantiate(nil, sig, targs, true)
		if err != nil {
			return "", false, false, err
		}
		sig = t.(*types.Signature)
		inst = s.typeArgs(targs)
	}
	if s.filled { // what it looks at in its arguments matters, too
		for v := range r.fields {
			s.touched[v] = true
		}
	}
	args, err := s.args(sig, depth+1)
	if err != nil {
		return "", false, false, err
	}
	call := s.funcRef(c.obj) + inst + "(" + strings.Join(args, ", ") + ")"
	_, isPtr = sig.Results().At(0).Type().(*types.Pointer)
	s.used[c] = true
	if r.lasting {
		s.wait = true
	}
	if sig.Results().Len() == 1 {
		return call, isPtr, false, nil
	}
	v := s.name(varName(n))
	lhs := []string{v}
	check := ""
	for i := 1; i < sig.Results().Len(); i++ {
		if types.TypeString(sig.Results().At(i).Type(), nil) == "error" {
			lhs = append(lhs, "err")
			check = "err"
		} else {
			lhs = append(lhs, "_")
		}
	}
	s.stmt(strings.Join(lhs, ", ") + " := " + call)
	if check != "" {
		s.stmt("if err != nil {\n\tt.Fatal(err)\n}")
	}
	if r.lasting {
		s.stop(v, n)
	}
	return v, isPtr, true, nil
}

// stop defers the method that ends what a value started, if there is one.
func (s *synth) stop(v string, n *types.Named) {
	for _, name := range []string{"Close", "Stop", "Shutdown", "Cancel", "close", "stop", "shutdown", "cancel"} {
		obj, _, _ := types.LookupFieldOrMethod(types.NewPointer(n), true, s.pkg.Types, name)
		f, ok := obj.(*types.Func)
		if !ok || s.x.fn(f) == nil || !s.visible(f) && f.Pkg() != s.pkg.Types {
			continue
		}
		sig := f.Signature()
		if r := s.x.reach(s.x.fn(f)); r.unsafe != "" {
			continue
		}
		switch {
		case sig.Params().Len() == 0:
			s.stops = append(s.stops, v+"."+name+"()")
		case sig.Params().Len() == 1 && types.TypeString(sig.Params().At(0).Type(), nil) == "context.Context":
			s.stops = append(s.stops, v+"."+name+"("+s.use("context")+".Background())")
		default:
			continue
		}
		return
	}
}

func (s *synth) funcRef(f *types.Func) string {
	if q := s.qualifier(f.Pkg()); q != "" {
		return q + "." + f.Name()
	}
	return f.Name()
}

func (s *synth) typeArgs(targs []types.Type) string {
	var parts []string
	for _, t := range targs {
		parts = append(parts, s.typ(t))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// targs chooses type arguments for a generic type, the same ones every time.
func (s *synth) targs(n *types.Named) []types.Type {
	if n.TypeArgs().Len() > 0 {
		var out []types.Type
		for i := range n.TypeArgs().Len() {
			out = append(out, n.TypeArgs().At(i))
		}
		return out
	}
	org := n.Origin()
	if t := s.insts[org]; t != nil {
		return t
	}
	t := s.choose(org.TypeParams())
	s.insts[org] = t
	return t
}

// choose picks type arguments: string where it fits first, int otherwise.
func (s *synth) choose(params *types.TypeParamList) []types.Type {
	var out []types.Type
	for i := range params.Len() {
		order := []types.Type{types.Typ[types.Int], types.Typ[types.String], types.Typ[types.Float64]}
		if i == 0 && params.Len() > 1 {
			order[0], order[1] = order[1], order[0]
		}
		var pick types.Type
		for _, t := range order {
			if c, ok := params.At(i).Constraint().Underlying().(*types.Interface); ok && types.Satisfies(t, c) {
				pick = t
				break
			}
		}
		if pick == nil {
			pick = s.standIn(params.At(i))
		}
		out = append(out, pick)
	}
	return out
}

// standIn returns a type argument for a parameter whose constraint has methods: a stub
// with these, which the test declares. It is the invalid type where there is none.
func (s *synth) standIn(p *types.TypeParam) types.Type {
	none := types.Typ[types.Invalid]
	u, ok := p.Constraint().Underlying().(*types.Interface)
	if !ok || !u.IsMethodSet() || u.NumMethods() == 0 {
		return none
	}
	expr, err := s.stub(p.Constraint(), u, 1)
	if err != nil {
		return none
	}
	name := strings.TrimSuffix(expr, "{}")
	for n, v := range s.standIns {
		if v == expr {
			return n
		}
	}
	n := types.NewNamed(types.NewTypeName(token.NoPos, s.pkg.Types, name, nil), types.NewStruct(nil, nil), nil)
	for i := range u.NumMethods() {
		m := u.Method(i)
		sig := m.Signature()
		recv := types.NewVar(token.NoPos, s.pkg.Types, "", n)
		if !m.Exported() && m.Pkg() != s.pkg.Types {
			return none // another package's, which no type here can have
		}
		n.AddMethod(types.NewFunc(token.NoPos, s.pkg.Types, m.Name(), types.NewSignatureType(recv, nil, nil, sig.Params(), sig.Results(), sig.Variadic())))
	}
	if s.standIns == nil {
		s.standIns = map[*types.Named]string{}
	}
	s.standIns[n] = expr
	return n
}

// literal writes T{…} with the fields that the code under test uses and whose
// zero value would not do: maps, channels, functions, interfaces, pointers.
func (s *synth) literal(n *types.Named, depth int) (string, bool, error) {
	if n.TypeParams().Len() > 0 && n.TypeArgs().Len() == 0 {
		t, err := types.Instantiate(nil, n, s.targs(n), true)
		if err != nil {
			return "", false, err
		}
		n = t.(*types.Named)
	}
	st, ok := n.Underlying().(*types.Struct)
	if !ok {
		return "", false, fmt.Errorf("%s is not a struct", s.short(n))
	}
	if !s.expressible(n) {
		return "", false, fmt.Errorf("the type %s cannot be written in package %s", s.short(n), s.pkg.Name)
	}
	var fields []string
	for i := range st.NumFields() {
		f := st.Field(i)
		if !s.touched[f.Origin()] || !f.Exported() && f.Pkg() != s.pkg.Types || f.Origin() == s.leaveNil || s.shut[f.Origin()] {
			continue
		}
		if f.Origin() == s.formless {
			return "", false, fmt.Errorf("no constructor that a test can call makes %s, whose form after the migration a literal would have to know", f.Name())
		}
		var v string
		var err error
		switch u := f.Type().Underlying().(type) {
		case *types.Map:
			if !s.expressible(f.Type()) {
				continue
			}
			v = s.typ(f.Type()) + "{}"
			if s.filled {
				if full, err := s.value(f.Type(), f.Name(), depth+1); err == nil {
					v = full
				}
			}
		case *types.Basic:
			if !s.filled || !s.expressible(f.Type()) || u.Info()&types.IsBoolean != 0 { // which says as often that something has ended
				continue
			}
			v, err = s.value(f.Type(), f.Name(), depth)
		case *types.Array:
			if s.member == 0 || !s.expressible(f.Type()) {
				continue
			}
			v, err = s.value(f.Type(), f.Name(), depth)
			if v == s.typ(f.Type())+"{}" {
				continue
			}
		case *types.Slice:
			if !s.filled || !s.expressible(f.Type()) {
				continue
			}
			v, err = s.value(f.Type(), f.Name(), depth+1)
		case *types.Chan:
			if u.Dir() == types.RecvOnly || !s.expressible(f.Type()) {
				continue
			}
			v = "make(" + s.typ(f.Type()) + ", 64)"
		case *types.Signature, *types.Interface:
			v, err = s.value(f.Type(), f.Name(), depth+1)
		case *types.Pointer:
			v, err = s.value(f.Type(), f.Name(), depth+1)
		case *types.Struct:
			fn := named(f.Type())
			if fn == nil || fn.Obj().Pkg() == nil || s.x.byTypes[fn.Obj().Pkg()] == nil && !s.filled {
				continue
			}
			v, err = s.value(f.Type(), f.Name(), depth) // a part of this, which cannot hold another one
			if v == s.typ(f.Type())+"{}" {              // as it is without
				continue
			}
		default:
			continue
		}
		if err != nil {
			continue // left zero: the test may still get far enough
		}
		fields = append(fields, f.Name()+": "+v)
	}
	list := strings.Join(fields, ", ")
	if len(list) > 90 {
		list = "\n" + strings.Join(fields, ",\n") + ",\n"
	}
	return "&" + s.typ(n) + "{" + list + "}", true, nil
}

// implementer makes a value of an interface type: of a first-party type that
// implements it, else of a stub declared for the purpose.
func (s *synth) implementer(t types.Type, u *types.Interface, hint string, depth int) (string, error) {
	if u.Empty() {
		return `"a"`, nil
	}
	if m, _, _ := types.LookupFieldOrMethod(t, false, s.pkg.Types, "Lock"); m != nil {
		return s.lock(t, u)
	}
	if s.stubsFirst {
		mark := s.mark()
		if v, err := s.stub(t, u, depth); err == nil {
			return v, nil
		}
		s.reset(mark)
	}
	for _, n := range s.x.named {
		if types.IsInterface(n) || n.TypeParams().Len() > 0 || !s.visible(n.Obj()) {
			continue
		}
		byPtr := types.Implements(types.NewPointer(n), u)
		if !byPtr || wraps(n, u) || isMock(n) {
			continue
		}
		// Its methods must be harmless too.
		var methods []*fn
		for i := range u.NumMethods() {
			obj, _, _ := types.LookupFieldOrMethod(types.NewPointer(n), true, n.Obj().Pkg(), u.Method(i).Name())
			if f := s.x.fn(obj); f != nil {
				methods = append(methods, f)
			}
		}
		if r := s.x.reach(methods...); r.unsafe != "" || r.lasting || r.forever {
			continue
		}
		mark := s.mark()
		s.involved = append(s.involved, methods...)
		var v string
		var err error
		if _, ok := n.Underlying().(*types.Struct); ok {
			v, err = s.structure(n, !types.Implements(n, u), hint, depth+1)
		} else if types.Implements(n, u) {
			v, err = s.value(n, hint, depth+1)
			v = s.typ(n) + "(" + v + ")"
		} else {
			continue
		}
		if err == nil {
			return v, nil
		}
		s.reset(mark)
	}
	return s.stub(t, u, depth)
}

// asserted writes the elements that code of the package takes for granted in maps of a named type, and of
// which type they are:
//
//	start := core[StartUTC].(time.Time)
func (s *synth) asserted(t types.Type, depth int) (list []string) {
	n := named(t)
	if n == nil || s.x.byTypes[n.Obj().Pkg()] == nil {
		return nil
	}
	p := s.x.byTypes[n.Obj().Pkg()]
	seen := map[types.Object]bool{}
	for _, f := range p.Files {
		ast.Inspect(f, func(node ast.Node) bool {
			as, ok := node.(*ast.AssignStmt)
			if ok && len(as.Lhs) == 2 && len(as.Rhs) == 1 { // v, ok := core[Key].(T) asks
				_, asks := ast.Unparen(as.Rhs[0]).(*ast.TypeAssertExpr)
				return !asks
			}
			a, ok := node.(*ast.TypeAssertExpr)
			if !ok || a.Type == nil {
				return true
			}
			idx, ok := ast.Unparen(a.X).(*ast.IndexExpr)
			if !ok || !types.Identical(typeOrInvalid(p, idx.X), n) {
				return true
			}
			id, ok := ast.Unparen(idx.Index).(*ast.Ident)
			if !ok {
				return true
			}
			key, ok := p.Info.Uses[id].(*types.Const)
			if !ok || seen[key] || !s.visible(key) {
				return true
			}
			seen[key] = true
			mark := s.mark()
			v, err := s.value(p.Info.TypeOf(a.Type), key.Name(), depth+1)
			if err != nil {
				s.reset(mark)
				return true
			}
			name := key.Name()
			if key.Pkg() != s.pkg.Types {
				name = s.qualifier(key.Pkg()) + "." + name
			}
			list = append(list, name+": "+v)
			return true
		})
	}
	return list
}

func typeOrInvalid(p *detect.Package, e ast.Expr) types.Type {
	if t := p.Info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

// isMock reports whether a type wants to be told what to answer, and panics, or fails a test, before it is:
// those that testify and gomock make.
func isMock(n *types.Named) bool {
	st, ok := n.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for f := range st.Fields() {
		of := named(derefType(f.Type()))
		if of == nil || of.Obj().Pkg() == nil {
			continue
		}
		switch path := of.Obj().Pkg().Path(); {
		case path == "github.com/stretchr/testify/mock", strings.HasSuffix(path, "/gomock"):
			return true
		}
	}
	return false
}

// wraps reports whether a struct has a value inside that has half of the methods of the interface
// which it implements, to pass calls on to: it is of no use without one.
func wraps(n *types.Named, u *types.Interface) bool {
	st, ok := n.Underlying().(*types.Struct)
	if !ok {
		return false
	}
	for f := range st.Fields() {
		if !types.IsInterface(f.Type()) {
			continue
		}
		same := 0
		for m := range u.Methods() {
			obj, _, _ := types.LookupFieldOrMethod(f.Type(), false, m.Pkg(), m.Name())
			if obj != nil && types.Identical(obj.Type(), m.Type()) {
				same++
			}
		}
		if same > 0 && 2*same >= u.NumMethods() {
			return true
		}
	}
	return false
}

// lock makes a value of an interface that is a lock's. One that does nothing would make
// the test race by its own fault.
func (s *synth) lock(t types.Type, u *types.Interface) (string, error) {
	has := func(names ...string) bool {
		for i := range u.NumMethods() {
			sig := u.Method(i).Signature()
			if !slices.Contains(names, u.Method(i).Name()) || sig.Params().Len()+sig.Results().Len() > 0 {
				return false
			}
		}
		return true
	}
	switch {
	case has("Lock", "Unlock"):
		return "new(" + s.use("sync") + ".Mutex)", nil
	case has("Lock", "Unlock", "RLock", "RUnlock"):
		return "new(" + s.use("sync") + ".RWMutex)", nil
	}
	return "", fmt.Errorf("a test cannot make a %s that locks", s.short(t))
}

// stub declares a type whose methods do nothing and returns a value of it.
func (s *synth) stub(t types.Type, u *types.Interface, depth int) (string, error) {
	embedded := "" // the interface itself, which has the methods that nothing calls
	if n := named(t); u.NumMethods() > 12 {
		if n == nil || !s.expressible(t) {
			return "", fmt.Errorf("%s has too many methods for a stub", s.short(t))
		}
		embedded = s.typ(t)
	}
	base := "value"
	if n := named(t); n != nil {
		base = n.Obj().Name()
	}
	name := "nop" + strings.ToUpper(base[:1]) + base[1:]
	for _, d := range s.stubs {
		if have, ok := strings.CutPrefix(d, "type "+name); ok && strings.Contains(d, " // "+article(s.short(t))+" that does nothing") {
			number, _, _ := strings.Cut(have, " ")
			if strings.Trim(number, "0123456789") == "" {
				return name + number + "{}", nil
			}
		}
	}
	side := s.side
	s.side = nil
	want := name
	for name = s.name(want); s.stubOf != nil && !s.stubOf(name); {
		name = s.name(want)
	}
	s.side = side
	if n := named(t); n != nil { // methods that return another one of it, return it
		if s.selves == nil {
			s.selves = map[*types.Named]string{}
		}
		s.selves[n] = name + "{}"
		defer delete(s.selves, n)
	}
	var methods []string
	for i := range u.NumMethods() {
		m := u.Method(i)
		if embedded != "" && !s.called[m.Name()] {
			continue
		}
		if !m.Exported() && m.Pkg() != s.pkg.Types {
			return "", fmt.Errorf("%s has unexported methods of another package", s.short(t))
		}
		if !s.expressible(m.Signature()) {
			return "", fmt.Errorf("%s.%s uses types that cannot be written in package %s", s.short(t), m.Name(), s.pkg.Name)
		}
		if why := s.stubbable(m.Signature(), t); why != "" {
			return "", fmt.Errorf("%s.%s %s", s.short(t), m.Name(), why)
		}
		text, err := s.nop(m.Signature(), depth+1, "func ("+name+") "+m.Name())
		if err != nil {
			return "", err
		}
		methods = append(methods, text)
	}
	s.stubs = append(s.stubs, fmt.Sprintf("type %s struct{%s} // %s that does nothing\n\n%s", name, embedded, article(s.short(t)), strings.Join(methods, "\n")))
	return name + "{}", nil
}

// article puts the indefinite article before a name.
func article(name string) string {
	if name != "" && strings.ContainsRune("AEIOaeio", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}

// stubbable reports why a method's results cannot be faked; "" when they can.
func (s *synth) stubbable(sig *types.Signature, self types.Type) string {
	for i := range sig.Results().Len() {
		if named(self) == nil && types.Identical(sig.Results().At(i).Type(), self) {
			return "returns the interface itself"
		}
	}
	return ""
}

// takesKey reports whether a parameter of the second side is a map's key, which has to
// be the first side's; the keys of a nested map are taken in their order.
func (s *synth) takesKey(t types.Type) bool {
	if !s.second || len(s.keys) == 0 {
		return !s.second
	}
	_, generic := s.keys[0].(*types.TypeParam)
	if !generic && !types.Identical(t, s.keys[0]) {
		return false
	}
	s.keys = s.keys[1:]
	return true
}

// args makes the arguments of a call. Variadic ones are left out, unless they are plain
// data: options default to none, but a constructor of something from data wants some.
func (s *synth) args(sig *types.Signature, depth int) ([]string, error) {
	n := sig.Params().Len()
	if sig.Variadic() {
		n--
	}
	var out []string
	for i := range n {
		p := sig.Params().At(i)
		v, err := s.value(p.Type(), p.Name(), depth)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	if sig.Variadic() {
		// Not what calls get: a constructor's data may be what stops a call early.
		for _, v := range several(sig.Params().At(n).Type().(*types.Slice).Elem()) {
			out = append(out, strings.NewReplacer("a", "x", "b", "y", "c", "z", "1", "7", "2", "8", "3", "9").Replace(v))
		}
	}
	return out, nil
}

// several returns three different values of a basic type, nothing for another.
func several(t types.Type) []string {
	b, ok := types.Unalias(t).(*types.Basic)
	switch {
	case ok && b.Info()&types.IsString != 0:
		return []string{`"a"`, `"b"`, `"c"`}
	case ok && b.Info()&types.IsNumeric != 0:
		return []string{"1", "2", "3"}
	}
	return nil
}

// request makes a request that leads a handler to its access: with the method,
// path values, form values, headers and cookies that the handler asks for.
func (s *synth) request(e *entry) (string, error) {
	method, target := "GET", "/"
	if e.pattern != "" {
		m, p, ok := strings.Cut(e.pattern, " ")
		if !ok {
			m, p = "", e.pattern
		}
		if m != "" {
			method = m
		}
		if i := strings.IndexByte(p, '/'); i >= 0 {
			p = p[i:]
		}
		var parts []string
		for _, part := range strings.Split(p, "/") {
			if strings.HasPrefix(part, "{") {
				part = "a"
				if strings.HasSuffix(part, "$}") {
					part = ""
				}
			}
			parts = append(parts, part)
		}
		target = strings.Join(parts, "/")
	}
	var form, paths, headers, cookies []string
	body := false
	add := func(list *[]string, v string) {
		for _, x := range *list {
			if x == v {
				return
			}
		}
		*list = append(*list, v)
	}
	r := s.x.reach(e.fn)
	var fns []*fn
	for f := range r.funcs {
		fns = append(fns, f)
	}
	sort.Slice(fns, func(i, j int) bool { return fns[i].decl.Pos() < fns[j].decl.Pos() })
	for _, f := range fns {
		ast.Inspect(f.decl, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.SelectorExpr:
				if n.Sel.Name == "Body" && types.TypeString(f.pkg.Info.TypeOf(n.X), nil) == "*net/http.Request" {
					body = true
				}
			case *ast.BinaryExpr:
				// if r.Method != http.MethodPost { … }
				if sel, ok := n.X.(*ast.SelectorExpr); ok && sel.Sel.Name == "Method" && e.pattern == "" {
					if v := f.pkg.Info.Types[n.Y].Value; v != nil && v.Kind() == constant.String && (n.Op == token.NEQ || n.Op == token.EQL) {
						if m := constant.StringVal(v); n.Op == token.NEQ || method == "GET" && encloses(f, n, e.access, s.x) {
							method = m
						}
					}
				}
			case *ast.CaseClause:
				if e.pattern == "" && e.access != nil && spans(n, e.access, s.x) {
					for _, c := range n.List {
						if v := f.pkg.Info.Types[c].Value; v != nil && v.Kind() == constant.String {
							if m := constant.StringVal(v); strings.ToUpper(m) == m && len(m) > 2 {
								method = m
							}
						}
					}
				}
			case *ast.CallExpr:
				callee, ok := typeutil.Callee(f.pkg.Info, n).(*types.Func)
				if !ok || len(n.Args) == 0 {
					return true
				}
				key := "a" // where it is not written there: the strings that a test makes up are that
				if v := f.pkg.Info.Types[n.Args[0]].Value; v != nil && v.Kind() == constant.String {
					key = constant.StringVal(v)
				} else if !s.filled {
					return true
				}
				switch callee.FullName() {
				case "(net/url.Values).Get", "(net/url.Values).Has", "(*net/http.Request).FormValue", "(*net/http.Request).PostFormValue":
					add(&form, key)
				case "(*net/http.Request).PathValue":
					if e.pattern == "" {
						add(&paths, key)
					}
				case "(net/http.Header).Get":
					add(&headers, key)
				case "(*net/http.Request).Cookie":
					add(&cookies, key)
				}
			}
			return true
		})
	}
	if len(form) > 0 {
		var q []string
		for _, k := range form {
			q = append(q, k+"=a")
		}
		target += "?" + strings.Join(q, "&")
	}
	content := "nil"
	if body {
		content = s.use("strings") + `.NewReader("{}")`
	}
	expr := fmt.Sprintf("%s.NewRequest(%q, %q, %s)", s.use("net/http/httptest"), method, target, content)
	if len(paths)+len(headers)+len(cookies) == 0 {
		return expr, nil
	}
	v := s.name("req")
	s.stmt(v + " := " + expr)
	for _, k := range paths {
		s.stmt(fmt.Sprintf("%s.SetPathValue(%q, \"a\")", v, k))
	}
	for _, k := range headers {
		s.stmt(fmt.Sprintf("%s.Header.Set(%q, \"a\")", v, k))
	}
	for _, k := range cookies {
		s.stmt(fmt.Sprintf("%s.AddCookie(&%s.Cookie{Name: %q, Value: \"a\"})", v, s.use("net/http"), k))
	}
	return v, nil
}

// spans reports whether a node contains an access.
func spans(n ast.Node, a *detect.Access, x *index) bool {
	from, to := x.prog.Fset.Position(n.Pos()), x.prog.Fset.Position(n.End())
	return from.Filename == a.Pos.Filename && from.Offset <= a.Pos.Offset && a.Pos.Offset < to.Offset ||
		from.Filename == a.Pos.Filename && from.Line <= a.Pos.Line && a.Pos.Line <= to.Line && a.Pos.Offset == 0
}

// encloses reports whether the if statement with condition cond has the access in its body.
func encloses(f *fn, cond ast.Expr, a *detect.Access, x *index) bool {
	found := false
	ast.Inspect(f.decl, func(n ast.Node) bool {
		if s, ok := n.(*ast.IfStmt); ok && s.Cond == cond && a != nil && spans(s.Body, a, x) {
			found = true
		}
		return !found
	})
	return found
}
