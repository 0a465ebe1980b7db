package plans

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func encode(t testing.TB, p *Plan) string {
	t.Helper()
	var b bytes.Buffer
	if err := Encode(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestEncode(t *testing.T) {
	p := newPlan(t)
	got := encode(t, p)
	if got != encode(t, p) {
		t.Error("two encodings differ")
	}
	if strings.Contains(got, "null") {
		t.Errorf("a list of the contract is null:\n%s", got)
	}
	for _, want := range []string{`"coupled_with": []`, `"edits": []`, `"rejected": []`, `"accesses": []`, `"message": "&c.cache is taken"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	back, err := Decode(strings.NewReader(got))
	if err != nil {
		t.Fatal(err)
	}
	if encode(t, back) != got {
		t.Error("decoding and encoding again gives another plan")
	}
	if p.Sites[0].CoupledWith != nil {
		t.Error("Encode changed the plan")
	}
	p.Shared[0].New = "not \xff UTF-8"
	if err := Encode(new(bytes.Buffer), p); err == nil {
		t.Error("an edit that JSON cannot hold is written")
	}
}

func TestDecodeRejects(t *testing.T) {
	good := encode(t, newPlan(t))
	for _, test := range []struct{ name, json, want string }{
		{"version", strings.Replace(good, `"format_version": 1`, `"format_version": 7`, 1), "plan.json has format version 7; this mapmigrate reads 1: run `mapmigrate plan` again"},
		{"version and shape", `{"format_version": 7, "sites": "elsewhere"}`, "format version 7"},
		{"other JSON", `{"hello": 1}`, "not a mapmigrate plan"},
		{"empty", " \n", "plan.json is empty"},
		{"truncated", good[:len(good)/2], "plan.json ends early, at line"},
		{"truncated at the end", strings.TrimRight(good, "\n}"), "plan.json ends early"},
		{"trailing", good + "{}", "plan.json is not JSON at line"},
		{"not JSON", "plan", "plan.json is not JSON at line 1"},
		{"wrong type", strings.Replace(good, `"sites": [`, `"sites": [3,`, 1), "wrong value at line"},
		{"null site", strings.Replace(good, "\n  \"sites\": [", "\n  \"sites\": [null,", 1), "sites[0] is null"},
	} {
		if _, err := Decode(strings.NewReader(test.json)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
	newer := strings.Replace(good, `"module":`, `"since_v9": {"a": [1]}, "module":`, 1)
	if _, err := Decode(strings.NewReader(newer)); err != nil {
		t.Errorf("an added field: %v", err)
	}
}

// TestTampered: what someone could do to a plan.json, and that nothing is written then.
func TestTampered(t *testing.T) {
	hash := hashOf([]byte("x"))
	// moveTo makes every mention of b/b.go another path.
	moveTo := func(to string) func(p *Plan) {
		return func(p *Plan) {
			p.Sites[2].Edits[0].File = to
			for _, s := range p.Sites {
				for i := range s.Files {
					if s.Files[i].Path == "b/b.go" {
						s.Files[i].Path = to
					}
				}
			}
		}
	}
	for name, test := range map[string]struct {
		change func(p *Plan)
		want   string
	}{
		"parent":        {moveTo("../b.go"), `"../b.go", which is not a clean relative path`},
		"parent inside": {moveTo("b/../../b.go"), "not a clean relative path"},
		"suppressed by": {func(p *Plan) {
			p.Suppressed = []Suppressed{{By: "me", Site: "x", Name: "a.b", Category: "inner", Confidence: "low"}}
		}, "by \"me\""},
		"suppressed where": {func(p *Plan) {
			p.Suppressed = []Suppressed{{By: ByBaseline, Site: "x", Name: "a.b", Category: "inner", Confidence: "low", At: Pos{File: "../x.go", Line: 1}}}
		}, "not a clean relative path"},
		"warning":            {func(p *Plan) { p.Warnings = []Warning{{Code: "Bad Code", Message: "m"}} }, "warnings[0]"},
		"absolute":           {moveTo("/etc/b.go"), "not a clean relative path"},
		"drive":              {moveTo("C:/b.go"), "not a clean relative path"},
		"backslash":          {moveTo(`b\..\b.go`), "not a clean relative path"},
		"unclean":            {moveTo("b//b.go"), "not a clean relative path"},
		"control":            {moveTo("b/\x1b[2J.go"), "not a clean relative path"},
		"empty path":         {moveTo(""), "not a clean relative path"},
		"git hook":           {moveTo(".git/hooks/x.go"), "lies in .git"},
		"git, other case":    {moveTo("b/.GIT/x.go"), "lies in .GIT"},
		"own folder":         {moveTo(".mapmigrate/x.go"), "lies in .mapmigrate"},
		"makefile":           {moveTo("Makefile"), "is not a Go file"},
		"created outside":    {func(p *Plan) { p.Shared[1].File = "../x.go" }, "not a clean relative path"},
		"runtime outside":    {func(p *Plan) { p.Runtime.Dir = "../safemap" }, "runtime.dir"},
		"runtime file":       {func(p *Plan) { p.Runtime.Files[0] = "../x.go" }, "runtime.files"},
		"race test":          {func(p *Plan) { p.Sites[0].RaceTest = &RaceTest{File: "/tmp/x_test.go"} }, "race test"},
		"race test, no test": {func(p *Plan) { p.Sites[0].RaceTest = &RaceTest{File: "a2.go"} }, "not a _test.go file"},
		"position":           {func(p *Plan) { p.Sites[0].Pos.File = "/src/a.go" }, "the position"},
		"same id":            {func(p *Plan) { p.Sites[1].ID = "s1" }, "two sites have the id s1"},
		"odd id":             {func(p *Plan) { p.Sites[0].ID = "s1,s2" }, `the id "s1,s2"`},
		"flag as id":         {func(p *Plan) { p.Sites[0].ID = "--all" }, `the id "--all"`},
		"status":             {func(p *Plan) { p.Sites[0].Status = "done" }, `unknown status "done"`},
		"kind":               {func(p *Plan) { p.Sites[0].Kind = "map" }, `unknown kind "map"`},
		"confidence":         {func(p *Plan) { p.Sites[0].Findings[0].Confidence = "sure" }, `unknown confidence "sure"`},
		"class":              {func(p *Plan) { p.Sites[3].Refusals[0].Class = "soft" }, `unknown class "soft"`},
		"refused to approved": {func(p *Plan) { p.Sites[3].Status = Approved; p.Sites[3].Edits = p.Sites[2].Edits },
			"in spite of the unsafe refusal address-taken"},
		"refused, edits":     {func(p *Plan) { p.Sites[0].Status = Refused; p.Sites[0].Refusals = p.Sites[3].Refusals }, "is refused and yet has edits"},
		"refused, no reason": {func(p *Plan) { p.Sites[3].Refusals = nil }, "without a refusal"},
		"null refusal":       {func(p *Plan) { p.Sites[3].Refusals[0] = nil }, "null refusal"},
		"no edits": {func(p *Plan) {
			p.Sites[0].Edits, p.Shared[0].Sites, p.Shared[1].Sites = nil, []string{"s2"}, []string{"s2"}
		}, "s1 is proposed but has no edits"},
		"one-sided couple": {func(p *Plan) { p.Sites[2].CoupledWith = nil }, "not the other way round"},
		"unknown couple":   {func(p *Plan) { p.Sites[0].CoupledWith = []string{"s7"} }, `unknown site "s7"`},
		"own couple":       {func(p *Plan) { p.Sites[0].CoupledWith = []string{"s1"} }, "coupled with itself"},
		"half applied":     {func(p *Plan) { p.Sites[1].Status = Applied }, "coupled sites are applied together"},
		"shared, unknown":  {func(p *Plan) { p.Shared[0].Sites[0] = "s7" }, `unknown site "s7"`},
		"shared, nobody's": {func(p *Plan) { p.Shared[0].Sites = nil }, "belongs to no site"},
		"range":            {func(p *Plan) { p.Sites[0].Edits[0].Start = -1 }, "has the range [-1, "},
		"reversed":         {func(p *Plan) { p.Sites[0].Edits[0].End = 1 }, "has the range"},
		"no hash":          {func(p *Plan) { p.Sites[0].Edits[0].OldSHA256 = "" }, "old_sha256"},
		"file hash":        {func(p *Plan) { p.Sites[0].Files[0].AfterSHA256 = strings.ToUpper(hash) }, "after_sha256"},
		"two baselines":    {func(p *Plan) { p.Sites[1].Files[0].BeforeSHA256 = hash }, "another before_sha256"},
		"unsorted":         {func(p *Plan) { e := p.Sites[0].Edits; e[0], e[1] = e[1], e[0] }, "not sorted"},
		"unlisted file":    {func(p *Plan) { p.Sites[0].Files = p.Sites[0].Files[1:] }, "does not list it"},
		"overlap": {func(p *Plan) {
			e := p.Sites[0].Edits[0]
			e.Start -= 2
			e.New = "x"
			p.Sites[1].Edits = append([]Edit{e}, p.Sites[1].Edits...)
		}, "overlap"},
	} {
		p := newPlan(t)
		test.change(p)
		var invalid *InvalidError
		if err := p.Validate(); !errors.As(err, &invalid) || !strings.Contains(fmt.Sprint(invalid.Problems), test.want) {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
			continue
		}
		dir := module(t, files())
		if _, err := Apply(dir, p, nil, ApplyOptions{}); !errors.As(err, &invalid) {
			t.Errorf("%s: apply: %v", name, err)
		}
		wantTree(t, dir, files())
		if _, err := os.Stat(filepath.Join(dir, Folder)); err == nil {
			t.Errorf("%s: apply began", name)
		}
	}
}

// TestTamperedContent: the plan is well-formed, but not what was computed.
func TestTamperedContent(t *testing.T) {
	p := approvedPlan(t)
	p.Sites[0].Edits[0].New = "var one = evil()\n"
	if _, err := p.Compose(mapFS(files()), []string{"s1"}); err == nil || !strings.Contains(err.Error(), "after_sha256") {
		t.Errorf("got %v", err)
	}
	p = approvedPlan(t)
	p.Sites[0].Edits[0].OldSHA256 = hashOf([]byte("something else"))
	if _, err := p.Compose(mapFS(files()), []string{"s1"}); err == nil || !strings.Contains(err.Error(), "does not replace the bytes") {
		t.Errorf("got %v", err)
	}
}

func TestCompose(t *testing.T) {
	p := newPlan(t)
	out, err := p.Compose(mapFS(files()), []string{"s2", "s3"})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) != 3 || strings.Contains(string(out["a.go"]), "one.Add") || strings.Count(string(out["a.go"]), "safemap\"") != 1 {
		t.Errorf("got %q", out)
	}
	var usage *UsageError
	if _, err := p.Compose(mapFS(files()), []string{"s1", "s3"}); !errors.As(err, &usage) || !reflect.DeepEqual(usage.Missing, []string{"s2"}) {
		t.Errorf("got %v", err)
	}

	// The runtime may be there already, if it is the same.
	m := files()
	m["internal/safemap/sharded.go"] = "package safemap\n"
	if _, err := p.Compose(mapFS(m), []string{"s1"}); err != nil {
		t.Error(err)
	}
	stale := func(path, text, want string) {
		t.Helper()
		m := files()
		m[path] = text
		if text == "" {
			delete(m, path)
		}
		var stale *StaleError
		if _, err := p.Compose(mapFS(m), []string{"s1", "s2", "s3"}); !errors.As(err, &stale) {
			t.Errorf("got %v", err)
		} else if got := fmt.Sprint(stale.Files, stale.Survivors, stale.Lost); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	stale("b/b.go", "package b\n", "[{b/b.go changed}] [s1] [s2 s3]")
	stale("a.go", "", "[{a.go missing}] [] [s1 s2 s3]")
	stale("internal/safemap/sharded.go", "package mine\n", "[{internal/safemap/sharded.go appeared}] [] [s1 s2 s3]")
}

func TestSharedImportsCompose(t *testing.T) {
	// Two sites insert different imports at one place, and share none.
	p := newPlan(t)
	p.Shared[0].Sites = []string{"s1"}
	other := p.Shared[0]
	other.New, other.Sites = "import \"m/aaa\"\n", []string{"s2"}
	p.Shared = append([]SharedEdit{other}, p.Shared...)
	if err := p.Seal(mapFS(files()), ""); err != nil {
		t.Fatal(err)
	}
	out, err := p.Compose(mapFS(files()), []string{"s1", "s2", "s3"})
	if err != nil || !strings.Contains(string(out["a.go"]), "import \"m/aaa\"\nimport \"m/internal/safemap\"\nimport \"sync\"") {
		t.Errorf("got %q, %v", out["a.go"], err)
	}
}

func TestApprove(t *testing.T) {
	status := func(p *Plan) string {
		var b strings.Builder
		for _, s := range p.Sites {
			fmt.Fprintf(&b, "%s ", s.Status)
		}
		return strings.TrimSpace(b.String())
	}
	want := func(p *Plan, ids []string, err error, wantIDs, wantStatus, wantErr string) {
		t.Helper()
		if wantErr != "" {
			var usage *UsageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), wantErr) {
				t.Errorf("got error %v, want %q", err, wantErr)
			}
		} else if err != nil {
			t.Errorf("got error %v", err)
		}
		if fmt.Sprint(ids) != wantIDs || status(p) != wantStatus {
			t.Errorf("got %v: %s", ids, status(p))
		}
		n := 0
		for _, c := range p.Summary.Status {
			n += c
		}
		if n != len(p.Sites) {
			t.Errorf("the summary counts %v", p.Summary.Status)
		}
	}
	p := newPlan(t)
	ids, err := p.Approve("s2")
	want(p, ids, err, "[s2 s3]", "proposed approved approved refused", "")
	ids, err = p.Approve("s2")
	want(p, ids, err, "[]", "proposed approved approved refused", "")
	ids, err = p.Approve("s1", "s4")
	want(p, ids, err, "[]", "proposed approved approved refused", "refused (address-taken) and cannot be approved: pass the map itself")
	ids, err = p.Reject("s3")
	want(p, ids, err, "[s2 s3]", "proposed rejected rejected refused", "")
	ids, err = p.Approve("s3")
	want(p, ids, err, "[]", "proposed rejected rejected refused", "coupled with s2, which is rejected: approve both (s3,s2)")
	want(p, p.ApproveAll(), nil, "[s1]", "approved rejected rejected refused", "")
	ids, err = p.Approve("s2", "s3")
	want(p, ids, err, "[s2 s3]", "approved approved approved refused", "")

	p = newPlan(t)
	ids, err = p.ApproveMinConfidence("high")
	want(p, ids, err, "[s1]", "approved proposed proposed refused", "") // s2 is confirmed, but s3 is not
	ids, err = p.ApproveMinConfidence("medium")
	want(p, ids, err, "[s2 s3]", "approved approved approved refused", "")
	ids, err = p.ApproveMinConfidence("certain")
	want(p, ids, err, "[]", "approved approved approved refused", "use low, medium, high, confirmed")
}

func TestSelect(t *testing.T) {
	p := newPlan(t)
	for arg, want := range map[string]string{
		"s1":    "[s1]",
		"a.two": "[s2]",
		"a.o":   "[s1]",
		"b.c":   "[s4]",
		"a.":    `"a." could be s1 (a.one, a.go:5:5), s2 (a.two, a.go:9:5): give the id`,
		"a.onr": `the plan has no site "a.onr" (did you mean a.one`,
		"cahce": "(did you mean b.cache",
		"zzzz":  `the plan has no site "zzzz"`,
		"":      "an empty site name",
	} {
		ids, err := p.Select(arg)
		got := fmt.Sprint(ids)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%q: got %s, want %s", arg, got, want)
		}
	}
	if ids, err := p.Select("a.two", "s1", "s2"); err != nil || fmt.Sprint(ids) != "[s1 s2]" {
		t.Errorf("got %v, %v", ids, err)
	}
}
