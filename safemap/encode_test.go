package safemap_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/mapmigrate/mapmigrate/safemap"
)

// formats are verbs and flags for fmt, with maps in their operands.
var formats = []string{"%v", "%+v", "%#v", "%d", "%s", "%q", "%x", "%X", "%5d", "%-5v|", "%05d", "%+d", "%t", "%z", "%6.2f", "%[1]v %[1]d"}

// sameOutput compares what encoders print for two values.
func sameOutput(t *testing.T, got, want any) {
	t.Helper()
	for _, format := range formats {
		if g, w := fmt.Sprintf(format, got), fmt.Sprintf(format, want); g != w {
			t.Errorf("%s of %T prints %s, want %s", format, got, g, w)
		}
	}
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("Sprint of %T gives %s, want %s", got, g, w)
	}
	for _, escape := range []bool{true, false} {
		for _, indent := range []string{"", "  "} {
			encode := func(v any) string {
				var b strings.Builder
				enc := json.NewEncoder(&b)
				enc.SetEscapeHTML(escape)
				enc.SetIndent("", indent)
				if err := enc.Encode(map[string]any{"in": v}); err != nil {
					return "error"
				}
				return b.String()
			}
			if g, w := encode(got), encode(want); g != w {
				t.Errorf("json of %T is %s, want %s", got, g, w)
			}
		}
	}
	g, gErr := json.Marshal(got)
	w, wErr := json.Marshal(want)
	if string(g) != string(w) || (gErr == nil) != (wErr == nil) {
		t.Errorf("json.Marshal of %T is %s, %v, want %s, %v", got, g, gErr, w, wErr)
	}
}

func outputs[K comparable, V any](t *testing.T, m map[K]V) {
	t.Helper()
	sameOutput(t, safemap.ShardedOf(m), m)
	sameOutput(t, safemap.FastShardedOf(m), m)
	sameOutput(t, safemap.SyncMapOf(m), m)
	sameOutput(t, safemap.LockedOf(m), m)
	sameOutput(t, safemap.HandleOf(m), m)
	sameOutput(t, safemap.ProviderOf(m), m)
}

type text struct{ S string }

func (t text) MarshalText() ([]byte, error) { return []byte("<" + t.S + ">"), nil }

func TestOutput(t *testing.T) {
	outputs(t, map[string]int{"b": 2, "a": 1, "<&>\u2028": 3})
	outputs(t, map[string]int{})
	outputs[string, int](t, nil)
	outputs(t, map[int][]string{2: {"<x>"}, 1: nil})
	outputs(t, map[text]any{{"k"}: text{"v"}, {"&"}: map[string]any{"z": 1.5}})
	outputs(t, map[string]*int{"nil": nil})
	outputs(t, map[float64]bool{1.5: true})                // not a key that json can encode
	outputs(t, map[string]func(){"f": nil})                // nor a value
	outputs(t, map[string]struct{ A, B int }{"x": {1, 2}}) // %+v, %#v
	for _, m := range []map[string]map[int]string{nil, {}, {"a": nil, "b": {}, "c": {2: "<y>", 1: "x"}}} {
		sameOutput(t, safemap.NestedOf(m), m)
		sameOutput(t, safemap.NestedLockedOf(m), m)
		for a := range m {
			sameOutput(t, safemap.NestedOf(m).Row(a), m[a])
		}
	}
	// A zero value is a nil map until something is stored.
	sameOutput(t, new(safemap.Sharded[string, int]), map[string]int(nil))
	sameOutput(t, new(safemap.FastSharded[string, int]), map[string]int(nil))
	sameOutput(t, new(safemap.SyncMap[string, int]), map[string]int(nil))
	sameOutput(t, new(safemap.Locked[string, int]), map[string]int(nil))
	sameOutput(t, new(safemap.Handle[string, int]), map[string]int(nil))
	sameOutput(t, new(safemap.Nested[string, string, int]), map[string]map[string]int(nil))
	plain := map[string]int{"b": 2, "a": 1}
	nested := safemap.NestedOf(map[string]map[string]int{"": plain})
	for _, m := range []fmt.Stringer{safemap.ShardedOf(plain), safemap.FastShardedOf(plain), safemap.SyncMapOf(plain), safemap.LockedOf(plain),
		safemap.HandleOf(plain), nested.Row("")} {
		if got := m.String(); got != "map[a:1 b:2]" {
			t.Errorf("String of %T gives %s", m, got)
		}
	}
	if got := nested.String(); got != "map[:map[a:1 b:2]]" {
		t.Errorf("String of a Nested gives %s", got)
	}
}

// decodes decodes pairs of inputs, one after the other, into a pointer field and a value field, each
// in a document of its own: encoding/json stops at an error of UnmarshalJSON.
func decodes[S any, P interface {
	*S
	fmt.Formatter
}](t *testing.T) {
	t.Helper()
	type plain = map[string]int
	inputs := []string{`{"a":1}`, `{"b":2,"a":3}`, `{}`, `null`, `{"c":"x","d":4}`, `[1]`, `{"e":`, `7`}
	for _, first := range inputs {
		for _, second := range inputs {
			var gotPointer struct{ F P }
			var gotValue struct{ F S }
			var want struct{ F plain }
			for _, in := range []string{first, second} {
				in = `{"F":` + in + `}`
				wErr := json.Unmarshal([]byte(in), &want)
				for _, got := range []any{&gotPointer, &gotValue} {
					if err := json.Unmarshal([]byte(in), got); (err == nil) != (wErr == nil) {
						t.Errorf("%T: decoding %s: %v, want %v", got, in, err, wErr)
					}
				}
			}
			w, _ := json.Marshal(want.F)
			if g, _ := json.Marshal(P(&gotValue.F)); string(g) != string(w) {
				t.Errorf("%T: %s after %s gives %s, want %s", P(&gotValue.F), second, first, g, w)
			}
			if g := fmt.Sprint(gotPointer.F); g != fmt.Sprint(want.F) {
				t.Errorf("%T: %s after %s gives %s, want %v", gotPointer.F, second, first, g, want.F)
			}
			if second == "null" && gotPointer.F != nil {
				t.Errorf("%T: null after %s leaves the pointer", gotPointer.F, first)
			}
		}
	}
}

func TestDecode(t *testing.T) {
	decodes[safemap.Sharded[string, int]](t)
	decodes[safemap.FastSharded[string, int]](t)
	decodes[safemap.SyncMap[string, int]](t)
	decodes[safemap.Locked[string, int]](t)
	decodes[safemap.Handle[string, int]](t)

	// A provider of another make has no UnmarshalJSON of its own.
	h := safemap.NewHandle[string, int]()
	h.Switch(struct {
		safemap.MapProvider[string, int]
	}{safemap.NewProvider[string, int]()})
	for in, want := range map[string]string{`{"a":1}`: "map[a:1]", `null`: "map[]", `{"b":1,"c":"x"}`: "map[b:1 c:0]"} {
		h.Clear()
		if err := json.Unmarshal([]byte(in), h); (err == nil) == strings.Contains(in, "x") || fmt.Sprint(h) != want {
			t.Errorf("decoding %s gives %v, %v, want %s", in, h, err, want)
		}
	}

	for _, m := range []*safemap.Nested[string, string, int]{safemap.NewNested[string, string, int](),
		safemap.NewNestedLocked[string, string, int](), new(safemap.Nested[string, string, int])} {
		var want map[string]map[string]int
		for _, in := range []string{`{"a":{"x":1},"b":null,"c":{}}`, `{"a":{"y":2},"d":{"z":3}}`, `null`, `{"e":{"x":1}}`} {
			if err := json.Unmarshal([]byte(in), m); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(in), &want); err != nil {
				t.Fatal(err)
			}
			sameOutput(t, m, want)
		}
		row := m.Row("e")
		if err := json.Unmarshal([]byte(`{"y":2}`), row); err != nil || fmt.Sprint(m) != "map[e:map[x:1 y:2]]" {
			t.Errorf("decoding into a row gives %v, %v", m, err)
		}
		if err := json.Unmarshal([]byte(`null`), row); err != nil || fmt.Sprint(m) != "map[e:map[]]" {
			t.Errorf("decoding null into a row gives %v, %v", m, err)
		}
	}
}

// TestEncodeWhileStoring encodes maps that change.
func TestEncodeWhileStoring(t *testing.T) {
	m := safemap.NewSharded[int, int]()
	done := make(chan bool)
	go func() {
		for i := range 2000 {
			m.Store(i%50, i)
			m.Delete((i + 25) % 50)
		}
		close(done)
	}()
	for open := true; open; {
		select {
		case <-done:
			open = false
		default:
		}
		b, err := json.Marshal(m)
		if err != nil || !bytes.HasPrefix(b, []byte("{")) {
			t.Fatalf("%s, %v", b, err)
		}
		_ = fmt.Sprint(m)
	}
}
