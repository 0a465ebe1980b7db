// This file is the one table of what code outside the module does with a value
// that it gets as an interface (or as a type argument).

package rewrite

import (
	"go/types"
	"regexp"
	"strings"
)

// A viewKind says which parts of a value an observer sees (its visibility mode).
// The walk that implements each kind is (*flowWalk).typ.
type viewKind int

const (
	// viewFmt: fields of any name; a pointer is followed only at the top. Values
	// with their own Format, Error or String print through it where fmt can call it.
	viewFmt viewKind = iota
	// viewEncoder: exported fields without a "-" tag, through pointers, slices and
	// maps. Values with a marshalling method of their own are opaque.
	viewEncoder
	// viewTemplate: what a template can name (exported fields, results of exported
	// methods) and what it then prints as fmt does.
	viewTemplate
	// viewRPC: what the exported methods take, under viewEncoder.
	viewRPC
	// viewDeep: everything, unexported or behind pointers.
	viewDeep
	// viewUnknown: viewDeep, and what functions take and return. For code that the
	// table does not know, and for reflection.
	viewUnknown
	// viewEqual: what == compares: struct fields and array elements, not pointers.
	viewEqual
	// viewType: the type itself, as far as it is not hidden behind a type name.
	viewType
	// viewMemory: the bytes of the value and of what it points to directly.
	viewMemory
)

// How fmt prints: the verb decides whether a value's own method is asked.
const (
	fmtMethods = iota // %v %s %q %x %X, Print
	fmtRaw            // any other verb, and %#v
	fmtDynamic        // the format string is not a constant here; see event.verb
)

// A view is a viewKind with its parameters.
type view struct {
	kind viewKind
	fmt  int  // viewFmt: fmtMethods, …
	note bool // a log, error or panic text: a listed difference, not a refusal
	enc  *encoder
	verb string // how the message says it: "would see", "would fill"
}

// An encoder names the tags and methods that one encoding honours.
type encoder struct {
	tags    []string // struct tag keys whose name "-" hides a field
	methods []string // methods that replace the encoding of a type
	addr    bool     // pointer methods are found on addressable values too
}

var (
	jsonEncode = &encoder{tags: []string{"json"}, methods: []string{"MarshalJSON", "MarshalText"}, addr: true}
	jsonDecode = &encoder{tags: []string{"json"}, methods: []string{"UnmarshalJSON", "UnmarshalText"}, addr: true}
	xmlEncode  = &encoder{tags: []string{"xml"}, methods: []string{"MarshalXML", "MarshalText"}, addr: true}
	xmlDecode  = &encoder{tags: []string{"xml"}, methods: []string{"UnmarshalXML", "UnmarshalText"}, addr: true}
	yamlEncode = &encoder{tags: []string{"yaml"}, methods: []string{"MarshalYAML"}}
	yamlDecode = &encoder{tags: []string{"yaml"}, methods: []string{"UnmarshalYAML"}, addr: true}
	tomlEncode = &encoder{tags: []string{"toml"}, methods: []string{"MarshalText"}}
	tomlDecode = &encoder{tags: []string{"toml"}, methods: []string{"UnmarshalText"}, addr: true}
	gobEncode  = &encoder{methods: []string{"GobEncode"}}
	gobDecode  = &encoder{methods: []string{"GobDecode"}, addr: true}
	bsonAny    = &encoder{tags: []string{"bson"}}
	plainAny   = &encoder{}
)

// encoderTags are the tag keys that show that a field is meant to be encoded.
var encoderTags = []string{"json", "yaml", "xml", "toml", "bson", "msgpack", "cbor", "hcl", "mapstructure", "koanf", "codec", "protobuf", "avro", "ini", "env", "form", "query", "schema", "dynamodbav", "firestore", "structs", "parser", "kong"}

var (
	seeFmt      = view{kind: viewFmt}
	seeFmtRaw   = view{kind: viewFmt, fmt: fmtRaw}
	seeFmtDyn   = view{kind: viewFmt, fmt: fmtDynamic}
	seeLog      = view{kind: viewFmt, note: true}
	seeLogRaw   = view{kind: viewFmt, fmt: fmtRaw, note: true}
	seeLogDyn   = view{kind: viewFmt, fmt: fmtDynamic, note: true}
	seeLogJSON  = view{kind: viewEncoder, enc: jsonEncode, note: true}
	seeLogDeep  = view{kind: viewDeep, note: true}
	seeDeep     = view{kind: viewDeep, verb: "would compare"}
	seeReflect  = view{kind: viewUnknown}
	seeUnknown  = view{kind: viewUnknown, verb: "could see"}
	seeEqual    = view{kind: viewEqual, verb: "would compare"}
	seeType     = view{kind: viewType}
	seeMemory   = view{kind: viewMemory, verb: "depends on the size or bytes of"}
	seeTemplate = view{kind: viewTemplate}
	seeRPC      = view{kind: viewRPC, enc: gobEncode}
)

func encodes(e *encoder) []view { return []view{{kind: viewEncoder, enc: e}} }
func decodes(e *encoder) []view { return []view{{kind: viewEncoder, enc: e, verb: "would fill"}} }

// An effect is what an external function does with an interface argument. With keeps,
// the argument may come back from the call's results, its receiver and the parameters
// of its callbacks; without, only an error comes back as an error.
type effect struct {
	views  []view
	keeps  bool // the argument may come back
	format bool // printf: the views are fmt's, refined by the format string
	args   bool // testify: the trailing variadic parameter is a message
}

// A rule is a line of the table. Empty recv: functions only; "*": anything.
// names: space-separated; a trailing * matches any suffix; "*": all.
type rule struct {
	pkg, recv, names string
	effect
}

func carries(v ...view) effect         { return effect{views: v, keeps: true} }
func sees(v ...view) effect            { return effect{views: v} }
func logs() effect                     { return sees(seeLog) }
func logsf() effect                    { return effect{views: []view{seeLogDyn}, format: true} }
func logsFields() effect               { return sees(seeLog, seeLogJSON) }
func asserts(views ...view) effect     { return effect{views: views, args: true} }
func codec(enc, dec *encoder) []effect { return []effect{{views: encodes(enc)}, {views: decodes(dec)}} }

// rules is the table. The first rule that matches wins. A function that takes an
// interface with no methods and is not here is unknown: it sees everything.
var rules = func() []rule {
	t := []rule{
		// Printing. Fprint's writer is a non-empty interface and is left alone.
		{"fmt", "", "Printf Sprintf Fprintf Appendf", effect{views: []view{seeFmtDyn}, format: true}},
		{"fmt", "", "Errorf", logsf()}, // an error's text
		{"fmt", "", "Print Println Sprint Sprintln Fprint Fprintln Append Appendln", sees(seeFmt)},
		{"fmt", "", "Sscan* Scan* Fscan*", sees(seeReflect)},
		{"errors", "", "Is", sees(seeEqual)}, // what an interface with methods gets too: see external
		{"errors", "", "*", carries()},       // As looks at types only, and named ones do not change
		// Logging: listed differences.
		{"log", "*", "Printf Fatalf Panicf", logsf()},
		{"log", "*", "*", logs()},
		{"log/slog", "*", "*", logsFields()},
		{"testing", "*", "Errorf Fatalf Logf Skipf", logsf()},
		{"testing", "*", "Error Fatal Log Skip", logs()},
		{"testing", "*", "*", carries()}, // Run, AllocsPerRun, Context
		{"go.uber.org/zap", "*", "Debugf Infof Warnf Errorf DPanicf Panicf Fatalf", logsf()},
		{"go.uber.org/zap/...", "*", "*", logsFields()},
		{"github.com/sirupsen/logrus/...", "*", "*f", logsf()},
		{"github.com/sirupsen/logrus/...", "*", "*", logsFields()},
		{"github.com/rs/zerolog/...", "*", "*", logsFields()},
		{"github.com/go-kit/log/...", "*", "*", logsFields()},
		{"github.com/go-kit/kit/log/...", "*", "*", logsFields()},
		{"github.com/hashicorp/go-hclog", "*", "*", logsFields()},
		{"github.com/go-logr/logr/...", "*", "*", logsFields()},
		{"k8s.io/klog", "*", "*f", logsf()},
		{"k8s.io/klog", "*", "*", logsFields()},
		{"github.com/golang/glog", "*", "*f", logsf()},
		{"github.com/golang/glog", "*", "*", logs()},
		{"github.com/pkg/errors", "", "Is", sees(seeEqual)},
		{"github.com/pkg/errors", "", "*f", logsf()},
		{"github.com/pkg/errors", "", "*", carries()},
		// Comparing.
		{"reflect", "", "DeepEqual", sees(seeDeep)},
		{"reflect", "", "TypeFor", sees(seeReflect)},
		// reflect.Value and reflect.Type carry the value; a method that goes to the fields
		// of a struct sees it (reflectSees), the rest give it back or ask for its top.
		{"reflect", "*", "*", carries()},
		{"github.com/google/go-cmp/cmp", "", "Equal Diff", sees(seeDeep)},
		{"github.com/google/go-cmp/...", "*", "Comparer Transformer FilterPath FilterValues AllowUnexported IgnoreUnexported IgnoreFields IgnoreTypes EquateComparable IgnoreInterfaces", carries()}, // types by example
		// testify compares in depth except where the name says otherwise; failure
		// messages print what they compared. Zero and Empty compare with the zero value,
		// and the new field is nil exactly where the map was.
		{"github.com/stretchr/testify/...", "*", "Nil Nilf NotNil NotNilf True Truef False Falsef NoError NoErrorf Error Errorf ErrorIs ErrorIsf NotErrorIs ErrorAs ErrorAsf ErrorContains ErrorContainsf EqualError EqualErrorf Same Samef NotSame NotSamef IsType IsTypef Implements Implementsf NotImplements Len Lenf Panics Panicsf NotPanics NotPanicsf PanicsWithError Fail Failf FailNow FailNowf Eventually Eventuallyf EventuallyWithT Never Neverf WithinDuration InDelta Greater GreaterOrEqual Less LessOrEqual Positive Negative Zero Zerof NotZero NotZerof Empty Emptyf NotEmpty NotEmptyf JSONEq YAMLEq Regexp FileExists NoFileExists DirExists NoDirExists Condition Conditionf", asserts()},
		{"github.com/stretchr/testify/mock", "*", "*", sees(seeUnknown)},
		{"github.com/stretchr/testify/...", "*", "*", asserts(seeDeep)},
		{"github.com/davecgh/go-spew/spew", "*", "*", sees(seeDeep)},
		{"github.com/kr/pretty", "*", "*", sees(seeDeep)},
		{"github.com/antithesishq/antithesis-sdk-go/...", "*", "*", logsFields()}, // details of an assertion
		// Templates.
		{"text/template", "*", "Execute ExecuteTemplate Funcs", sees(seeTemplate)},
		{"html/template", "*", "Execute ExecuteTemplate Funcs", sees(seeTemplate)},
		{"text/template", "*", "*Escape*", sees(seeFmt)},
		{"html/template", "*", "*", sees(seeFmt)},
		{"net/rpc/...", "*", "Register RegisterName", sees(seeRPC)},
		{"net/rpc/...", "*", "*", sees(encodes(gobEncode)[0], decodes(gobDecode)[0])},
		// Carrying and giving back. The type of a holder is a name that does not change,
		// so assertions, and atomic.Value's rule of one type, hold as before.
		{"context", "*", "WithValue", carries(seeEqual)}, // the key
		{"context", "*", "*", carries()},
		{"sync", "*", "CompareAnd* Load* Store Delete Swap", carries(seeEqual)}, // keys
		{"sync", "*", "*", carries()},
		{"sync/atomic", "*", "CompareAndSwap", carries(seeEqual)},
		{"sync/atomic", "*", "*", carries()},
		{"container/heap", "*", "*", carries()},
		{"container/list", "*", "*", carries()},
		{"container/ring", "*", "*", carries()},
		{"sort", "*", "*", carries()}, // Slice moves elements; it looks at none
		{"slices", "*", "Contains Index Equal Compact Replace", carries(seeEqual)},
		{"slices", "*", "*", carries()},
		{"maps", "*", "*", carries()},
		{"iter", "*", "*", carries()},
		{"cmp", "*", "*", carries()},
		{"unique", "*", "*", carries()}, // comparable, thus map-free, or by pointer
		{"weak", "*", "*", carries()},
		{"runtime", "*", "SetFinalizer KeepAlive AddCleanup", carries()},
		{"testing/synctest", "*", "*", carries()},
		{"net/http", "*", "*", carries()}, // Handlers; ServerContextKey and such
		{"golang.org/x/exp/slices", "*", "*", carries()},
		{"golang.org/x/exp/maps", "*", "*", carries()},
		{"golang.org/x/exp/constraints", "*", "*", carries()},
		{"golang.org/x/sync/...", "*", "*", carries()},
		{"github.com/hashicorp/golang-lru/...", "*", "*", carries()},
		{"github.com/google/btree", "*", "*", carries()},
		{"github.com/tidwall/btree", "*", "*", carries()},
		{"github.com/puzpuzpuz/xsync/...", "*", "*", carries()},
		{"github.com/samber/lo", "*", "*", carries()},
		{"github.com/thejerf/suture/...", "*", "*", logs()}, // services are printed in events
		{"go.uber.org/atomic", "*", "*", carries()},
		{"github.com/oklog/run", "*", "*", carries()},
		// Encoders without a rule of their own kind.
		{"encoding/gob", "", "Register RegisterName", sees(encodes(gobEncode)[0])},
		{"github.com/go-viper/mapstructure/...", "*", "*", sees(decodes(plainAny)[0])},
		{"github.com/mitchellh/mapstructure", "*", "*", sees(decodes(plainAny)[0])},
		// They go by the exported fields: copies have none of the others, hashes leave them out.
		{"github.com/mitchellh/copystructure", "*", "*", effect{views: encodes(plainAny), keeps: true}},
		{"github.com/mitchellh/hashstructure", "*", "*", sees(encodes(plainAny)[0])},
		// Connections that speak JSON, by encoding/json.
		{"github.com/gorilla/websocket", "*", "ReadJSON", sees(decodes(jsonDecode)[0])},
		{"github.com/gorilla/websocket", "*", "WriteJSON", sees(encodes(jsonEncode)[0])},
		{"github.com/coder/websocket/wsjson", "", "Read", sees(decodes(jsonDecode)[0])},
		{"github.com/coder/websocket/wsjson", "", "Write", sees(encodes(jsonEncode)[0])},
		{"google.golang.org/grpc", "*", "HandlerType RegisterService", carries()}, // compares method sets
	}
	for _, c := range []struct {
		pkg      string
		enc, dec *encoder
	}{
		{"encoding/json/...", jsonEncode, jsonDecode},
		{"github.com/goccy/go-json", jsonEncode, jsonDecode},
		{"github.com/json-iterator/go", jsonEncode, jsonDecode},
		{"github.com/segmentio/encoding/json", jsonEncode, jsonDecode},
		{"github.com/bytedance/sonic", jsonEncode, jsonDecode},
		{"github.com/go-json-experiment/json", jsonEncode, jsonDecode},
		{"sigs.k8s.io/json", jsonEncode, jsonDecode},
		{"sigs.k8s.io/yaml", jsonEncode, jsonDecode},
		{"encoding/xml", xmlEncode, xmlDecode},
		{"gopkg.in/yaml", yamlEncode, yamlDecode},
		{"go.yaml.in/yaml", yamlEncode, yamlDecode},
		{"github.com/goccy/go-yaml", yamlEncode, yamlDecode},
		{"github.com/BurntSushi/toml", tomlEncode, tomlDecode},
		{"github.com/pelletier/go-toml", tomlEncode, tomlDecode},
		{"encoding/gob", gobEncode, gobDecode},
		{"encoding/asn1", plainAny, plainAny},
		{"go.mongodb.org/mongo-driver/...", bsonAny, bsonAny},
		{"google.golang.org/protobuf/...", plainAny, plainAny},
		{"github.com/golang/protobuf/...", plainAny, plainAny},
		{"github.com/gogo/protobuf/...", plainAny, plainAny},
		{"github.com/vmihailenco/msgpack", plainAny, plainAny},
		{"github.com/fxamacker/cbor", plainAny, plainAny},
	} {
		t = append(t,
			rule{c.pkg, "*", "*Unmarshal* *Decode*", effect{views: decodes(c.dec)}},
			rule{c.pkg, "*", "*", effect{views: encodes(c.enc)}})
	}
	return t
}()

// reflectSees says what the methods of reflect.Value and reflect.Type see that reach a struct's
// fields or depend on their types. Whether a type can be assigned to another is a matter of
// their names, where they have any.
var reflectSees = func() map[string]view {
	all := map[string]view{"AssignableTo": seeType}
	for name := range strings.FieldsSeq("Field FieldByName FieldByIndex FieldByIndexErr FieldByNameFunc NumField Fields " +
		"Comparable Equal IsZero Size Method MethodByName Call CallSlice Convert CanConvert ConvertibleTo UnsafePointer UnsafeAddr VisibleFields") {
		all[name] = seeReflect
	}
	return all
}()

var majorVersion = regexp.MustCompile(`(/v[0-9]+$)|(\.v[0-9]+$)|(/v[0-9]+)(/)`)

// canonicalPath drops vendor prefixes and major versions: gopkg.in/yaml.v3 and
// github.com/hashicorp/golang-lru/v2/expirable are known whatever their version.
func canonicalPath(path string) string {
	if i := strings.LastIndex(path, "/vendor/"); i >= 0 {
		path = path[i+len("/vendor/"):]
	}
	path = strings.TrimPrefix(path, "vendor/")
	if path == "encoding/json/v2" {
		return path
	}
	return majorVersion.ReplaceAllString(path, "$4")
}

func (r *rule) matches(pkg, recv, name string) bool {
	if prefix, ok := strings.CutSuffix(r.pkg, "/..."); ok {
		if pkg != prefix && !strings.HasPrefix(pkg, prefix+"/") {
			return false
		}
	} else if pkg != r.pkg {
		return false
	}
	if r.recv == "" && recv != "" {
		return false
	}
	for pattern := range strings.FieldsSeq(r.names) {
		if matchName(pattern, name) {
			return true
		}
	}
	return false
}

func matchName(pattern, name string) bool {
	head := strings.TrimPrefix(pattern, "*")
	tail := strings.TrimSuffix(head, "*")
	switch {
	case pattern == "*":
		return true
	case head != pattern && tail != head:
		return strings.Contains(name, tail)
	case head != pattern:
		return strings.HasSuffix(name, head)
	case tail != head:
		return strings.HasPrefix(name, tail)
	}
	return pattern == name
}

// effectOf looks a function outside the module up. known is false for the rest.
func effectOf(fn *types.Func) (eff effect, known bool) {
	if fn.Pkg() == nil {
		return carries(), true // error.Error
	}
	pkg, recv := canonicalPath(fn.Pkg().Path()), ""
	if sig := fn.Signature(); sig.Recv() != nil {
		recv = "method"
	}
	for i := range rules {
		if rules[i].matches(pkg, recv, fn.Name()) {
			return rules[i].effect, true
		}
	}
	return carries(seeUnknown), false
}

// effectOfPackage is effectOf for things that have no function: an instantiated
// generic type, a field of an external struct.
func effectOfPackage(path, name string) (eff effect, known bool) {
	path = canonicalPath(path)
	for i := range rules {
		if rules[i].recv == "*" && rules[i].matches(path, "method", name) {
			return rules[i].effect, true
		}
	}
	return carries(seeUnknown), false
}

// externalCarriers are external types that hold interface values for the program:
// what goes in (by method, field or literal) is what comes out.
var externalCarriers = map[string]bool{
	"sync.Map": true, "sync.Pool": true, "sync/atomic.Value": true, "go.uber.org/atomic.Value": true,
	"reflect.Value": true, "reflect.MapIter": true, "reflect.StructField": true,
	"container/list.List": true, "container/list.Element": true, "container/ring.Ring": true,
	"golang.org/x/sync/singleflight.Group": true, "golang.org/x/sync/singleflight.Result": true,
	"golang.org/x/sync/syncmap.Map":         true,
	"github.com/hashicorp/golang-lru.Cache": true, "github.com/hashicorp/golang-lru/simplelru.LRU": true,
	"github.com/google/btree.BTree": true,
}

// formatVerbs returns, for each operand of a printf call, its verb: a letter, '#'
// for %#v, '*' for a width. ok is false when operands are named by index.
func formatVerbs(format string) (verbs []byte, ok bool) {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		sharp := false
		for i++; i < len(format); i++ {
			c := format[i]
			switch {
			case c == '#':
				sharp = true
				continue
			case c == '*':
				verbs = append(verbs, '*')
				continue
			case c == '[':
				return nil, false
			case strings.IndexByte("+- 0123456789.", c) >= 0:
				continue
			}
			break
		}
		if i >= len(format) {
			return verbs, true
		}
		switch c := format[i]; {
		case c == '%':
		case c == 'v' && sharp:
			verbs = append(verbs, '#')
		case c >= 0x80:
			return nil, false
		default:
			verbs = append(verbs, c)
		}
	}
	return verbs, true
}

// verbView says how a verb prints; ok is false when it shows nothing of the value
// that a map's type could change.
func verbView(verb byte) (fmtMode int, ok bool) {
	switch verb {
	case 'v', 's', 'q', 'x', 'X', 'w':
		return fmtMethods, true
	case 'p':
		return 0, false
	case '#':
		return fmtRaw, true
	}
	return fmtRaw, true // %T too: handled as viewType by the caller
}
