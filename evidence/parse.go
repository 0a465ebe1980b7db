// This file reads race detector logs and crash traces.

package evidence

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// Parse returns the reports in a log, in order. It never fails: what it cannot
// read it skips, and a log without reports has none.
func Parse(log []byte) []Report {
	var reports []Report
	for _, s := range streams(log) {
		reports = append(reports, s.parse()...)
	}
	return reports
}

// A line is one line of program output.
type line struct {
	text string // without prefix, indentation and line end
	no   int
	test string
}

// A stream is the output of one program: of one package, where go test -json
// interleaves several.
type stream []line

// streams undoes test2json and whatever else stands before the program's own text.
func streams(log []byte) []stream {
	byPkg := map[string]int{}
	var out []stream
	var partial []string // by stream: text of an output event that did not end its line
	add := func(pkg, test, text string, no int) {
		i, ok := byPkg[pkg]
		if !ok {
			i = len(out)
			byPkg[pkg] = i
			out, partial = append(out, nil), append(partial, "")
		}
		text = partial[i] + text
		partial[i] = ""
		for text != "" {
			before, after, ended := strings.Cut(text, "\n")
			if !ended {
				partial[i] = text
				return
			}
			out[i] = append(out[i], line{strings.TrimRight(before, "\r"), no, test})
			text = after
		}
	}
	no := 0
	for raw := range bytes.Lines(log) {
		no++
		if at := bytes.IndexByte(raw, '{'); at >= 0 && bytes.Contains(raw, []byte(`"Action":`)) {
			var ev struct{ Action, Package, ImportPath, Test, Output string }
			if json.Unmarshal(bytes.TrimSpace(raw[at:]), &ev) == nil && ev.Action != "" {
				if ev.Output != "" {
					add(ev.Package+ev.ImportPath, ev.Test, ev.Output, no)
				}
				continue
			}
		}
		if !bytes.HasSuffix(raw, []byte("\n")) {
			raw = append(raw[:len(raw):len(raw)], '\n')
		}
		add("", "", string(raw), no)
	}
	for i, rest := range partial {
		if rest != "" {
			out[i] = append(out[i], line{rest, no, ""})
		}
	}
	return out
}

var (
	// stamp is a time stamp that a log collector puts before a line.
	stamp = regexp.MustCompile(`^\[?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d[.,\d]*(Z|[+-]\d\d:?\d\d)?\]? ?`)

	raceSide  = regexp.MustCompile(`^(?:(Previous) )?(?i:(atomic read|atomic write|read|write)) (?:of size \d+ )?at 0x[0-9a-f]+ by (?:goroutine (\d+)|main goroutine)`)
	raceStart = regexp.MustCompile(`^Goroutine (\d+) \(([^)]*)\) created at:`)
	crash     = regexp.MustCompile(`fatal error: (concurrent map [a-z ]+)`)
	goroutine = regexp.MustCompile(`^goroutine (\d+)(?: gp=\S+ m=\S+(?: mp=\S+)?)? \[([^\]]*)\]:`)
	place     = regexp.MustCompile(`^(.+\.(?:go|s|c|h|cc|cpp)):(\d+)(?: \+0x[0-9a-f]+)?(?: .*)?$`)
)

const (
	raceHead = "WARNING: DATA RACE"
	raceRule = "=================="
)

// clean strips the prefix that the report's first line had, or a time stamp, and indentation.
func clean(text, prefix string) string {
	if prefix != "" {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			text = rest
		} else if trimmed := strings.TrimRight(prefix, " \t"); strings.HasPrefix(text, trimmed) { // a blank line whose trailing space was cut
			text = text[len(trimmed):]
		} else if len(text) >= len(prefix) && alike(text[:len(prefix)], prefix) { // another time
			text = text[len(prefix):]
		}
	}
	text = strings.TrimPrefix(strings.TrimLeft(text, " \t"), "#011") // syslog's tab
	return strings.TrimRight(stamp.ReplaceAllString(text, ""), " \t")
}

// alike reports whether two prefixes differ in their digits only.
func alike(a, b string) bool {
	digit := func(c byte) bool { return '0' <= c && c <= '9' }
	for i := range len(b) {
		if a[i] != b[i] && !(digit(a[i]) && digit(b[i])) {
			return false
		}
	}
	return true
}

func (s stream) parse() []Report {
	var reports []Report
	for i := 0; i < len(s); i++ {
		text := s[i].text
		if at := strings.Index(text, raceHead); at >= 0 {
			r, next := s.race(i, text[:at])
			if len(r.Accesses) > 0 {
				reports = append(reports, r)
			}
			i = next - 1
		} else if m := crash.FindStringSubmatchIndex(text); m != nil {
			r, next := s.crash(i+1, text[:m[0]], strings.TrimSpace(text[m[2]:m[3]]))
			r.Line, r.Test = s[i].no, s[i].test
			reports = append(reports, r)
			i = next - 1
		} else if at, message := s.headless(i); message != "" {
			r, next := s.crash(i, text[:at], message)
			reports = append(reports, r)
			i = next - 1
		}
	}
	return reports
}

// headless recognises a crash whose first line was not copied into the report: line i is
// the heading of the goroutine that threw in the runtime's map code. It returns the length
// of the prefix.
func (s stream) headless(i int) (int, string) {
	at := strings.Index(s[i].text, "goroutine ")
	if at < 0 || i+4 >= len(s) {
		return 0, ""
	}
	prefix := s[i].text[:at]
	if m := goroutine.FindStringSubmatch(clean(s[i].text, prefix)); m == nil || m[2] != "running" {
		return 0, ""
	}
	threw := callee(clean(s[i+1].text, prefix))
	below := callee(clean(s[i+3].text, prefix))
	if threw != "runtime.throw" && threw != "runtime.fatal" {
		return 0, ""
	}
	switch {
	case strings.HasPrefix(below, "runtime.mapassign"), strings.HasPrefix(below, "runtime.mapdelete"):
		return at, "concurrent map writes"
	case strings.HasPrefix(below, "runtime.mapaccess"):
		return at, "concurrent map read and map write"
	case strings.HasPrefix(below, "runtime.mapiter"):
		return at, "concurrent map iteration and map write"
	}
	return 0, ""
}

// race reads the report whose heading is line i and returns the line after it.
func (s stream) race(i int, prefix string) (Report, int) {
	r := Report{Kind: Race, Line: s[i].no, Test: s[i].test}
	var into *[]Frame
	created := map[int]int{} // goroutine → index of its access, for the "created at" stacks
	for i++; i < len(s); i++ {
		text := clean(s[i].text, prefix)
		switch {
		case strings.HasPrefix(text, raceRule):
			return r, i + 1
		case strings.Contains(text, raceHead), crash.MatchString(text):
			r.Cut = true
			return r, i
		}
		if m := raceSide.FindStringSubmatch(text); m != nil {
			a := Access{Op: strings.ToLower(m[2])}
			a.Goroutine, _ = strconv.Atoi(m[3])
			created[a.Goroutine] = len(r.Accesses)
			r.Accesses = append(r.Accesses, a)
			into = &r.Accesses[len(r.Accesses)-1].Frames
			continue
		}
		if m := raceStart.FindStringSubmatch(text); m != nil {
			id, _ := strconv.Atoi(m[1])
			into = nil
			for k := range r.Accesses {
				if r.Accesses[k].Goroutine == id {
					r.Accesses[k].State = m[2]
					into = &r.Accesses[k].CreatedBy
				}
			}
			continue
		}
		if into != nil && i+1 < len(s) {
			if f, ok := frame(text, clean(s[i+1].text, prefix)); ok {
				*into = append(*into, f)
				i++
			}
		}
	}
	r.Cut = true
	return r, i
}

// crash reads the stacks from line i on and returns the line after them.
func (s stream) crash(i int, prefix, message string) (Report, int) {
	r := Report{Kind: Crash, Message: message, Line: s[i].no, Test: s[i].test}
	var cur *Access
	for ; i < len(s); i++ {
		text := clean(s[i].text, prefix)
		if strings.Contains(text, raceHead) || crash.MatchString(text) || strings.HasPrefix(text, "exit status ") || strings.HasPrefix(text, "FAIL\t") {
			return r, i
		}
		if m := goroutine.FindStringSubmatch(text); m != nil {
			a := Access{State: m[2]}
			a.Goroutine, _ = strconv.Atoi(m[1])
			if len(r.Accesses) == 0 {
				a.Op = crashOp(message)
			}
			r.Accesses = append(r.Accesses, a)
			cur = &r.Accesses[len(r.Accesses)-1]
			continue
		}
		if cur == nil || i+1 == len(s) {
			continue
		}
		next := clean(s[i+1].text, prefix)
		if fn, ok := strings.CutPrefix(text, "created by "); ok {
			fn, _, _ = strings.Cut(fn, " in goroutine ")
			if file, no, ok := placeOf(next); ok {
				cur.CreatedBy = append(cur.CreatedBy, Frame{fn, file, no})
				i++
			}
			continue
		}
		if f, ok := frame(text, next); ok {
			cur.Frames = append(cur.Frames, f)
			i++
		}
	}
	return r, i
}

// crashOp says what the goroutine that noticed was doing, where the message tells.
func crashOp(message string) string {
	if message == "concurrent map writes" {
		return "write"
	}
	return "read" // "read and map write", "iteration and map write", "clone and map write": the reader notices
}

// frame reads the two lines of one stack frame.
func frame(fn, at string) (Frame, bool) {
	name := callee(fn)
	file, no, ok := placeOf(at)
	if name == "" || !ok {
		return Frame{}, false
	}
	return Frame{name, file, no}, true
}

// callee returns the function of "p.(*T[go.shape.struct { A int }]).M(0xc000010000, ...)":
// what stands before the parenthesis that the last one closes.
func callee(text string) string {
	if !strings.HasSuffix(text, ")") {
		return ""
	}
	depth := 0
	for i := len(text) - 1; i > 0; i-- {
		switch text[i] {
		case ')':
			depth++
		case '(':
			if depth--; depth == 0 {
				if !strings.Contains(text[:i], ".") {
					return ""
				}
				return text[:i]
			}
		}
	}
	return ""
}

func placeOf(text string) (file string, line int, ok bool) {
	m := place.FindStringSubmatch(text)
	if m == nil {
		return "", 0, false
	}
	line, err := strconv.Atoi(m[2])
	return m[1], line, err == nil
}
