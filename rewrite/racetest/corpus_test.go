package racetest

import (
	"flag"
	"sort"
	"testing"

	"github.com/mapmigrate/mapmigrate/detect"
)

var module = flag.String("module", "", "generate tests for every finding of the module in this folder")

// TestModule generates tests for a real module and reports levels, forms and reasons.
func TestModule(t *testing.T) {
	if *module == "" {
		t.Skip("only with -module=DIR")
	}
	prog, err := detect.Load(detect.Config{Dir: *module})
	if err != nil {
		t.Fatal(err)
	}
	res, err := detect.Analyze(prog, detect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	g := New(prog, Options{})
	counts := map[string]int{}
	for _, m := range res.Maps {
		if len(m.Findings) == 0 || m.Findings[0].Category.Quiet() || m.Findings[0].Confidence.Rank() < detect.Medium.Rank() {
			continue
		}
		rt, err := g.Generate(m)
		if err != nil {
			counts["none"]++
			t.Logf("%-50s none: %v", m.Name, err)
			continue
		}
		counts[rt.Level+" "+rt.Form]++
		t.Logf("%-50s %s %s %s", m.Name, rt.Level, rt.Form, rt.Reason)
		if testing.Verbose() {
			t.Logf("%s", rt.Source)
		}
	}
	var keys []string
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		t.Logf("%d %s", counts[k], k)
	}
}
