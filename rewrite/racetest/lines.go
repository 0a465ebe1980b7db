// This file follows the lines of a map's accesses into migrated code.

package racetest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mapmigrate/mapmigrate/evidence"
	"github.com/mapmigrate/mapmigrate/plans"
)

// moved returns where places are in the files of after (by absolute path, as laid over
// the module at dir): a line that stays keeps its text, one that changes becomes all the
// lines that stand in its place.
func moved(dir string, places []evidence.Place, after map[string][]byte) []evidence.Place {
	lines := map[string]map[int][]int{} // file → old line → new lines; nil: unchanged
	var out []evidence.Place
	for _, p := range places {
		to, known := lines[p.File]
		if !known {
			name := filepath.Join(dir, filepath.FromSlash(p.File))
			if data, ok := after[name]; ok {
				if before, err := os.ReadFile(name); err == nil {
					to = lineMap(string(before), string(data))
				}
			}
			lines[p.File] = to
		}
		if to == nil {
			out = append(out, p)
			continue
		}
		for _, l := range to[p.Line] {
			out = append(out, evidence.Place{File: p.File, Line: l})
		}
	}
	return out
}

// lineMap maps the lines of before to those of after, by the hunks of their diff.
func lineMap(before, after string) map[int][]int {
	out := map[int][]int{}
	old, now := 1, 1
	keep := func(until int) {
		for ; old < until; old, now = old+1, now+1 {
			out[old] = []int{now}
		}
	}
	var gone []int
	var came []int
	flush := func() {
		for _, l := range gone {
			out[l] = came
		}
		gone, came = nil, nil
	}
	inHunk := false
	for l := range strings.Lines(plans.Diff("", plans.File{Path: "x.go", Before: []byte(before), After: []byte(after)})) {
		switch {
		case strings.HasPrefix(l, "@@ -"):
			flush()
			first, _, _ := strings.Cut(strings.TrimPrefix(l, "@@ -"), " ")
			first, _, _ = strings.Cut(first, ",")
			if n, err := strconv.Atoi(first); err == nil {
				keep(n)
			}
			inHunk = true
		case !inHunk:
		case strings.HasPrefix(l, "-"):
			gone = append(gone, old)
			old++
		case strings.HasPrefix(l, "+"):
			came = append(came, now)
			now++
		case strings.HasPrefix(l, " "):
			flush()
			keep(old + 1)
		}
	}
	flush()
	keep(strings.Count(before, "\n") + 2)
	return out
}
