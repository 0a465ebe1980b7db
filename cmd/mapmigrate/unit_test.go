package main

import (
	"bytes"
	"go/token"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
)

func TestIsVet(t *testing.T) {
	for _, test := range []struct {
		args []string
		want bool
	}{
		{nil, false},
		{[]string{"-V=full"}, true},
		{[]string{"-flags"}, true},
		{[]string{"-json", "vet.cfg"}, true},
		{[]string{"plan", "./..."}, false},
		{[]string{"-C", "dir", "plan"}, false},
	} {
		if got := isVet(test.args); got != test.want {
			t.Errorf("isVet(%q) = %v", test.args, got)
		}
	}
}

// A plan never holds a path of this machine, wherever the position lies.
func TestPos(t *testing.T) {
	b := &builder{prog: &detect.Program{Dir: "/home/me/mod"}}
	for in, want := range map[string]string{
		"/home/me/mod/a/b.go":                      "a/b.go",
		"/home/me/go/pkg/mod/ex.com/x@v1.2.3/x.go": "ex.com/x@v1.2.3/x.go",
		"/usr/local/go/src/net/http/server.go":     "net/http/server.go",
		"/elsewhere/gen.go":                        "gen.go",
	} {
		if got := b.pos(token.Position{Filename: in, Line: 3, Column: 2}); got != (plans.Pos{File: want, Line: 3, Column: 2}) {
			t.Errorf("%s: got %s, want %s:3:2", in, got, want)
		}
	}
	if got := b.pos(token.Position{}); got != (plans.Pos{}) {
		t.Errorf("no position became %s", got)
	}
}

// Ids are the same whatever else is planned, and differ even where hashes begin alike.
func TestID(t *testing.T) {
	b := &builder{ids: map[string]bool{}}
	first := b.id("m.T.f")
	if len(first) != 8 {
		t.Errorf("id %q: want 8 digits", first)
	}
	if again := b.id("m.T.f"); again == first || again[:8] != first {
		t.Errorf("the second id with the same hash is %q", again)
	}
}

func TestPrintable(t *testing.T) {
	if got, want := printable("a\tb\n\x1b[31m\u202ec"), "a\tb\n\\u001b[31m\\u202ec"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A panic is reported as a bug, with exit code 1.
func TestPanic(t *testing.T) {
	var stderr bytes.Buffer
	e := &env{stderr: &stderr}
	code := 0
	func() {
		defer e.reportPanic(&code)
		panic("oops")
	}()
	if code != exitFailed || !bytes.Contains(stderr.Bytes(), []byte("this is a bug in mapmigrate: oops")) {
		t.Errorf("code %d, %s", code, &stderr)
	}
}

// Every code is explained once, and is of a kind that the list shows.
func TestCodes(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range codes() {
		if seen[c.name] {
			t.Errorf("%s is documented twice", c.name)
		}
		seen[c.name] = true
		switch c.kind {
		case "finding", "refusal, unsafe", "refusal, unhelpful", "warning":
		default:
			t.Errorf("%s is of the unknown kind %q", c.name, c.kind)
		}
		if c.title == "" || c.text == "" {
			t.Errorf("%s has no explanation", c.name)
		}
	}
	if len(seen) == 0 {
		t.Error("no codes")
	}
}
