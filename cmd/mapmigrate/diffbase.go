// This file limits a report to what a change touches.

package main

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mapmigrate/mapmigrate/plans"
)

// A lineRange is a part of a file, both ends included.
type lineRange struct {
	from, to int
	locks    bool // the change adds or takes away a call of a lock
}

var lockRx = regexp.MustCompile(`\.(Try)?R?(Lock|Unlock)\(`)

// changedLines returns, by path relative to dir, the lines of the work tree that differ from
// the commit at which HEAD left ref: what a pull request against ref changes. Where lines
// were only taken away, it is the two around the gap; where a Lock or Unlock came or went, it
// is the whole function, of which other lines are right or wrong now.
func changedLines(ctx context.Context, dir, ref string) (map[string][]lineRange, error) {
	git := func(args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "-c", "core.quotePath=false"}, args...)...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
		}
		return out, nil
	}
	if strings.HasPrefix(ref, "-") {
		return nil, usagef("--diff-base %q is no commit", ref)
	}
	base, err := git("merge-base", ref, "HEAD")
	if err != nil {
		return nil, usagef("--diff-base %s: there is no such commit here that HEAD has a common ancestor with (a shallow clone?): %v", ref, err)
	}
	diff, err := git("diff", "--unified=0", "--no-color", "--no-ext-diff", "--no-renames", "--relative", "--src-prefix=a/", "--dst-prefix=b/",
		strings.TrimSpace(string(base)), "--", "*.go")
	if err != nil {
		return nil, err
	}
	lines, err := parseDiff(string(diff))
	if err != nil {
		return nil, err
	}
	widen(dir, lines)
	added, err := git("ls-files", "--others", "--exclude-standard", "-z", "--", "*.go")
	if err != nil {
		return nil, err
	}
	for file := range strings.SplitSeq(string(added), "\x00") {
		if file != "" {
			lines[file] = []lineRange{{from: 1, to: 1 << 30}}
		}
	}
	return lines, nil
}

// parseDiff reads a unified diff without context.
func parseDiff(diff string) (map[string][]lineRange, error) {
	lines := map[string][]lineRange{}
	file, left := "", 0 // lines of the hunk that are still to come: they may look like headers
	for line := range strings.Lines(diff) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case left > 0 && (strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-")):
			left--
			if r := lines[file]; lockRx.MatchString(line) {
				r[len(r)-1].locks = true
			}
		case strings.HasPrefix(line, "+++ "):
			file = strings.TrimSuffix(line[4:], "\t") // git ends a name with spaces in a tab
			if strings.HasPrefix(file, `"`) {
				name, err := strconv.Unquote(file)
				if err != nil {
					return nil, fmt.Errorf("git diff: a file is called %s", file)
				}
				file = name
			}
			file = strings.TrimPrefix(file, "b/") // "/dev/null" for one that is gone
		case strings.HasPrefix(line, "@@ "):
			_, gone, ok := hunkRange(line, " -")
			from, n, ok2 := hunkRange(line, " +")
			if !ok || !ok2 {
				return nil, fmt.Errorf("git diff: not a hunk: %s", line)
			}
			left = gone + n
			if n == 0 {
				lines[file] = append(lines[file], lineRange{from: from, to: from + 1})
			} else {
				lines[file] = append(lines[file], lineRange{from: from, to: from + n - 1})
			}
		}
	}
	return lines, nil
}

// widen adds the functions in which a lock's call came or went. A file that cannot be parsed
// keeps its lines.
func widen(dir string, lines map[string][]lineRange) {
	for file, ranges := range lines {
		if !slices.ContainsFunc(ranges, func(r lineRange) bool { return r.locks }) {
			continue
		}
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join(dir, filepath.FromSlash(file)), nil, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			from, to := fset.PositionFor(fn.Pos(), false).Line, fset.PositionFor(fn.End(), false).Line
			if slices.ContainsFunc(ranges, func(r lineRange) bool { return r.locks && r.from <= to && from <= r.to }) {
				lines[file] = append(lines[file], lineRange{from: from, to: to})
			}
		}
	}
}

// hunkRange reads a side, " -" or " +", of "@@ -1,2 +3,4 @@".
func hunkRange(line, side string) (from, n int, ok bool) {
	_, after, ok := strings.Cut(line, side)
	if !ok {
		return 0, 0, false
	}
	after, _, _ = strings.Cut(after, " ")
	start, count, has := strings.Cut(after, ",")
	from, err := strconv.Atoi(start)
	n = 1
	if has && err == nil {
		n, err = strconv.Atoi(count)
	}
	return from, n, err == nil
}

// limitTo returns the plan with the findings that the changed lines have a part in: where the
// map is declared, where one of the two accesses is, or on the way to it. Sites without such
// a finding, and what is suppressed or warned of elsewhere, are left out. The result is for
// showing only.
func limitTo(p *plans.Plan, lines map[string][]lineRange) *plans.Plan {
	touches := func(pos plans.Pos) bool {
		return slices.ContainsFunc(lines[pos.File], func(r lineRange) bool { return r.from <= pos.Line && pos.Line <= r.to })
	}
	finding := func(f plans.Finding) bool {
		return slices.ContainsFunc(f.Accesses[:min(2, len(f.Accesses))], func(a plans.Access) bool {
			return touches(a.Pos) || slices.ContainsFunc(a.Path, func(s plans.Step) bool { return touches(s.Pos) })
		})
	}
	out := *p
	out.Sites, out.Suppressed, out.Warnings = nil, nil, nil
	for _, s := range p.Sites {
		c := *s
		if !touches(s.Pos) {
			c.Findings = nil
			for _, f := range s.Findings {
				if finding(f) {
					c.Findings = append(c.Findings, f)
				}
			}
			if len(c.Findings) == 0 {
				continue
			}
		}
		out.Sites = append(out.Sites, &c)
	}
	for _, s := range p.Suppressed {
		if touches(s.At) || touches(s.Pos) {
			out.Suppressed = append(out.Suppressed, s)
		}
	}
	for _, w := range p.Warnings {
		if touches(w.Pos) {
			out.Warnings = append(out.Warnings, w)
		}
	}
	out.Recount()
	return &out
}
