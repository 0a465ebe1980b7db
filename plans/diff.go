// This file defines the two ways a change of a file is written down: as a unified
// diff for people and git, and as edits for apply.

package plans

import (
	"fmt"
	"path"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// A File is a file before and after a change. Before is nil for a file that is
// created, After for one that is deleted; an empty file is not nil.
type File struct {
	Path          string // slash-separated, relative to the module root
	Before, After []byte
}

// Diff returns the unified diff of files, in the given order, as `git apply` takes
// it. prefix is where the module lies in its repository (RepoPrefix), "" for its root.
func Diff(prefix string, files ...File) string {
	var b strings.Builder
	for _, f := range files {
		writeFileDiff(&b, path.Join(prefix, f.Path), f)
	}
	return b.String()
}

func writeFileDiff(b *strings.Builder, name string, f File) {
	create, remove := f.Before == nil, f.After == nil
	if string(f.Before) == string(f.After) && create == remove {
		return
	}
	fmt.Fprintf(b, "diff --git %s %s\n", quotePath("a/"+name), quotePath("b/"+name))
	switch {
	case create:
		b.WriteString("new file mode 100644\n")
	case remove:
		b.WriteString("deleted file mode 100644\n")
	}
	if len(f.Before) == 0 && len(f.After) == 0 {
		return // an empty file comes or goes: its header is all there is
	}
	header := func(mark, side string, absent bool) {
		p := quotePath(side + name)
		if absent {
			p = "/dev/null"
		} else if strings.Contains(p, " ") && p[0] != '"' {
			p += "\t" // as git does, so that the path's end is plain
		}
		b.WriteString(mark + " " + p + "\n")
	}
	header("---", "a/", create)
	header("+++", "b/", remove)
	writeHunks(b, diffLines(string(f.Before), string(f.After)))
}

// A lineOp is one line of a file, kept (' '), deleted ('-') or inserted ('+'). text
// has its line end, except for the last line of a file without one.
type lineOp struct {
	op   byte
	text string
}

// maxUniqueLines is below what go-diff can number: it maps each distinct line to one
// rune and panics when it runs out of them.
const maxUniqueLines = 1_000_000

// diffLines returns the lines of a and b as a minimal script that turns a into b.
func diffLines(a, b string) []lineOp {
	var ops []lineOp
	add := func(op byte, text string) {
		for line := range strings.Lines(text) {
			ops = append(ops, lineOp{op, line})
		}
	}
	head, a, b, tail := trim(a, b)
	add(' ', head)
	if unique(a, b) > maxUniqueLines {
		add('-', a)
		add('+', b)
		add(' ', tail)
		return ops
	}
	dmp := diffmatchpatch.New()
	dmp.DiffTimeout = 0 // the default of a second makes the result depend on the machine's load
	ra, rb, lines := dmp.DiffLinesToRunes(a, b)
	for _, d := range dmp.DiffCharsToLines(dmp.DiffMainRunes(ra, rb, false), lines) {
		switch d.Type {
		case diffmatchpatch.DiffEqual:
			add(' ', d.Text)
		case diffmatchpatch.DiffDelete:
			add('-', d.Text)
		case diffmatchpatch.DiffInsert:
			add('+', d.Text)
		}
	}
	add(' ', tail)
	return ops
}

// trim splits off the whole lines that a and b have in common at both ends.
func trim(a, b string) (head, restA, restB, tail string) {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	if n < len(a) || n < len(b) {
		n = strings.LastIndexByte(a[:n], '\n') + 1
	}
	head, a, b = a[:n], a[n:], b[n:]
	n = 0
	for n < min(len(a), len(b)) && a[len(a)-1-n] == b[len(b)-1-n] {
		n++
	}
	lineStart := func(s string, at int) bool { return at == 0 || s[at-1] == '\n' }
	for n > 0 && !(lineStart(a, len(a)-n) && lineStart(b, len(b)-n)) {
		n--
	}
	return head, a[:len(a)-n], b[:len(b)-n], a[len(a)-n:]
}

// unique returns how many distinct lines a and b hold, or less than the limit as
// soon as it is plain that they cannot reach it.
func unique(a, b string) int {
	if strings.Count(a, "\n")+strings.Count(b, "\n")+2 <= maxUniqueLines {
		return 0
	}
	seen := map[string]bool{}
	for _, s := range []string{a, b} {
		for line := range strings.Lines(s) {
			seen[line] = true
		}
	}
	return len(seen)
}

// writeHunks writes ops as hunks with three lines of context. Hunks whose contexts
// would touch are one.
func writeHunks(b *strings.Builder, ops []lineOp) {
	const context = 3
	la, lb := 0, 0 // lines of each side before ops[i]
	for i := 0; i < len(ops); {
		if ops[i].op == ' ' {
			i, la, lb = i+1, la+1, lb+1
			continue
		}
		// Have: ops[i] changes something and is more than context lines behind
		// the previous hunk's last line.
		start := i
		for start > 0 && i-start < context && ops[start-1].op == ' ' {
			start--
		}
		end, kept := i, 0
		for j := i; j < len(ops) && kept <= 2*context; j++ {
			if ops[j].op == ' ' {
				kept++
			} else {
				end, kept = j+1, 0
			}
		}
		stop := end
		for stop < len(ops) && stop-end < context {
			stop++
		}
		na, nb := 0, 0
		for _, o := range ops[start:stop] {
			if o.op != '+' {
				na++
			}
			if o.op != '-' {
				nb++
			}
		}
		back := i - start
		fmt.Fprintf(b, "@@ -%s +%s @@\n", hunkRange(la-back, na), hunkRange(lb-back, nb))
		for _, o := range ordered(ops[start:stop]) {
			b.WriteByte(o.op)
			b.WriteString(o.text)
			if !strings.HasSuffix(o.text, "\n") {
				b.WriteString("\n\\ No newline at end of file\n")
			}
		}
		la, lb, i = la-back+na, lb-back+nb, stop
	}
}

// ordered returns ops with the deletions of each changed stretch before its insertions.
func ordered(ops []lineOp) []lineOp {
	out := make([]lineOp, 0, len(ops))
	var ins []lineOp
	for _, o := range ops {
		if o.op == '+' {
			ins = append(ins, o)
			continue
		}
		if o.op == ' ' {
			out, ins = append(out, ins...), nil
		}
		out = append(out, o)
	}
	return append(out, ins...)
}

// hunkRange writes the range of n lines after the first before lines. The start of
// an empty range is the line before it.
func hunkRange(before, n int) string {
	start := before
	if n > 0 {
		start++
	}
	if n == 1 {
		return fmt.Sprint(start)
	}
	return fmt.Sprintf("%d,%d", start, n)
}

// quotePath writes a path as git does: in quotes, with C escapes, when it has bytes
// that a header line could not carry.
func quotePath(p string) string {
	plain := func(c byte) bool { return c >= ' ' && c < 0x7f && c != '"' && c != '\\' }
	odd := false
	for i := range len(p) {
		odd = odd || !plain(p[i])
	}
	if !odd {
		return p
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(p) {
		switch c := p[i]; {
		case plain(c):
			b.WriteByte(c)
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		default:
			fmt.Fprintf(&b, `\%03o`, c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Edits returns the smallest edits that turn before into after: whole lines, sorted,
// apart from each other by at least one line that both have.
func Edits(file string, before, after []byte) []Edit {
	var edits []Edit
	off := 0
	ops := diffLines(string(before), string(after))
	for len(ops) > 0 {
		if ops[0].op == ' ' {
			off += len(ops[0].text)
			ops = ops[1:]
			continue
		}
		start := off
		var new strings.Builder
		for len(ops) > 0 && ops[0].op != ' ' {
			if ops[0].op == '-' {
				off += len(ops[0].text)
			} else {
				new.WriteString(ops[0].text)
			}
			ops = ops[1:]
		}
		edits = append(edits, Edit{File: file, Start: start, End: off, OldSHA256: hashOf(before[start:off]), New: new.String()})
	}
	return edits
}
