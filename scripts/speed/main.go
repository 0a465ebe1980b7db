// Command speed measures how fast mapmigrate is, and how much memory it takes, on a
// checkout of a Go module and on synthetic modules, and prints a table:
//
//	go run ./scripts/speed -keep /tmp/speed ~/src/nats-server
//
// Everything happens in copies: the checkout stays as it is. Two seconds of work on one
// machine are not two seconds on another, so every figure stands beside `go vet` of the
// same packages, in the same run. CPU time is that of the process and all its children, the
// go command's included; peak memory is that of the largest process.
//
// A cold run of `go vet` or of `plan` is one with a warm build cache and nothing else:
// dependencies and packages are compiled (go list -export -test), nothing was vetted, and
// mapmigrate's own cache is empty. For that each measurement gets a fresh copy of a build
// cache that only go list has filled. Running both on the user's own cache would favour
// whichever ran before.
//
// The machine should do nothing else meanwhile.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	if tool := os.Getenv(toolEnv); tool != "" {
		os.Exit(vetUnit(tool, os.Args[1:]))
	}
	keep := flag.String("keep", "", "keep the filled build cache in this `folder`, with the copy of the checkout that it is of, for the next run")
	tool := flag.String("tool", "", "measure this `program` instead of building ./cmd/mapmigrate")
	packages := flag.String("packages", "./...", "what to plan in the checkout")
	sizes := flag.String("sizes", "100,200,400", "numbers of packages of the synthetic modules; empty for none")
	all := flag.Bool("all", false, "measure plan --scope=all of the checkout, too, which takes longest")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "usage: go run ./scripts/speed [flags] [CHECKOUT]\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if err := run(os.Stdout, flag.Arg(0), *keep, *tool, *packages, *sizes, *all); err != nil {
		fmt.Fprintf(os.Stderr, "speed: %v\n", err)
		os.Exit(1)
	}
}

func run(w io.Writer, checkout, keep, tool, packages, sizes string, all bool) error {
	tmp, err := os.MkdirTemp("", "mapmigrate-speed-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if keep == "" {
		keep = tmp
	}
	if keep, err = filepath.Abs(keep); err != nil {
		return err
	}
	if tool == "" {
		tool = filepath.Join(tmp, "mapmigrate")
		if out, err := exec.Command("go", "build", "-o", tool, "./cmd/mapmigrate").CombinedOutput(); err != nil {
			return fmt.Errorf("building mapmigrate: %w\n%s", err, out)
		}
	}
	b := &bench{w: w, tmp: tmp, warm: filepath.Join(keep, "build"), tool: tool, all: all}
	version, err := exec.Command("go", "env", "GOVERSION", "GOOS", "GOARCH").Output()
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s, %d CPUs.\n\n", strings.Join(strings.Fields(string(version)), " "), runtime.NumCPU())
	if checkout != "" {
		// What is compiled depends on the name of the folder.
		dir := filepath.Join(keep, "checkout")
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.CopyFS(dir, os.DirFS(checkout)); err != nil {
			return err
		}
		if err := b.checkout(dir, filepath.Base(checkout), packages); err != nil {
			return err
		}
	}
	if sizes == "" {
		return nil
	}
	return b.synthetic(sizes)
}

// A bench runs commands with caches of its own.
type bench struct {
	w    io.Writer
	tmp  string
	warm string // a build cache that is only copied
	tool string
	all  bool // --scope=all, too
	runs int
}

// A cost is what one command took.
type cost struct {
	wall, cpu time.Duration // cpu: user time of the process and its children
	peak      int64         // bytes, of the largest process
	out       []byte
}

// caches are the folders of one series of measurements.
type caches struct{ build, own string }

// fresh returns a copy of the warm build cache, and an empty one of mapmigrate's.
func (b *bench) fresh() (caches, error) {
	b.runs++
	c := caches{filepath.Join(b.tmp, fmt.Sprint("cache", b.runs)), filepath.Join(b.tmp, fmt.Sprint("own", b.runs))}
	return c, os.CopyFS(c.build, os.DirFS(b.warm))
}

func (c caches) remove() {
	os.RemoveAll(c.build)
	os.RemoveAll(c.own)
}

// fill compiles packages, as arguments of go list, and what they import.
func (b *bench) fill(dir string, args ...string) error {
	if err := os.MkdirAll(b.warm, 0o777); err != nil {
		return err
	}
	_, err := b.measure(dir, caches{build: b.warm, own: "off"}, "go", append([]string{"list", "-export", "-deps"}, args...)...)
	return err
}

// measure runs a command in dir. Exit codes that mean findings are no errors.
func (b *bench) measure(dir string, c caches, name string, args ...string) (cost, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOCACHE="+c.build, "MAPMIGRATE_CACHE="+c.own, "GOWORK=off")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	begin := time.Now()
	err := cmd.Run()
	k := cost{wall: time.Since(begin), out: stdout.Bytes()}
	if cmd.ProcessState == nil {
		return k, err
	}
	k.cpu, k.peak = cmd.ProcessState.UserTime(), peakOf(cmd.ProcessState)
	if err != nil && name == "go" && args[0] == "vet" && !bytes.Contains(stderr.Bytes(), []byte("go: ")) {
		err = nil // it has found something
	}
	if err != nil {
		return k, fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, stderr.Bytes())
	}
	return k, nil
}

// A table is printed in Markdown, each row when it is measured.
type table struct {
	w    io.Writer
	rows int
}

func (t *table) add(cells ...string) {
	fmt.Fprintf(t.w, "| %s |\n", strings.Join(cells, " | "))
	if t.rows++; t.rows == 1 {
		fmt.Fprintf(t.w, "%s|\n", strings.Repeat("|---", len(cells)))
	}
}

func (t *table) end() { fmt.Fprintln(t.w) }

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
func megabytes(n int64) string       { return fmt.Sprintf("%d MB", n/1_000_000) }
func ratio(a, b time.Duration) string {
	return fmt.Sprintf("%.2f", a.Seconds()/max(b.Seconds(), 0.001))
}

// checkout measures a real module.
func (b *bench) checkout(dir, name, packages string) error {
	if err := b.fill(dir, "-test", "./..."); err != nil {
		return err
	}
	if err := b.fill(dir, "std"); err != nil { // which generated tests may import
		return err
	}
	c, err := b.fresh()
	if err != nil {
		return err
	}
	defer c.remove()
	t := table{w: b.w}
	t.add(name+" `"+packages+"`", "wall", "user CPU", "of go vet, cold", "peak")
	var vet cost
	row := func(what string, k cost) {
		t.add(what, seconds(k.wall), seconds(k.cpu), ratio(k.cpu, vet.cpu), megabytes(k.peak))
	}
	if vet, err = b.measure(dir, c, "go", "vet", packages); err != nil {
		return err
	}
	row("go vet, cold", vet)
	plan := []string{b.tool, "plan", packages}
	base := filepath.Join(b.tmp, "baseline.json")
	accepted := []string{b.tool, "plan", "--baseline=" + base, packages}
	type step struct {
		what string
		do   func() error // before
		cmd  []string
	}
	steps := []step{
		{"plan, cold", nil, plan},
		{"plan, nothing changed", nil, plan},
		{"plan, a file touched that most depend on", func() error { return touch(dir, true) }, plan},
		{"plan, a file touched that nothing depends on", func() error { return touch(dir, false) }, plan},
		// As in CI: what is found is in a baseline, so that nothing has to be rewritten.
		{"plan --baseline, own cache empty", func() error {
			if err := os.RemoveAll(c.own); err != nil {
				return err
			}
			_, err := b.measure(dir, c, b.tool, "plan", "--baseline="+base, "--update-baseline", packages)
			return errors.Join(err, os.RemoveAll(c.own))
		}, accepted},
		{"plan --baseline, nothing changed", nil, accepted},
		{"plan --baseline, a file touched that most depend on", func() error { return touch(dir, true) }, accepted},
		{"plan --baseline, a file touched that nothing depends on", func() error { return touch(dir, false) }, accepted},
	}
	if b.all {
		steps = append(steps, step{"plan --scope=all, own cache empty", func() error { return os.RemoveAll(c.own) }, []string{b.tool, "plan", "--scope=all", packages}})
	}
	if _, err := exec.LookPath("staticcheck"); err == nil {
		steps = append(steps, step{"staticcheck, cold", func() error { return os.Setenv("STATICCHECK_CACHE", filepath.Join(b.tmp, "staticcheck")) }, []string{"staticcheck", packages}})
	}
	for _, s := range steps {
		if s.do != nil {
			if err := s.do(); err != nil {
				return err
			}
		}
		k, err := b.measure(dir, c, s.cmd[0], s.cmd[1:]...)
		if err != nil && s.cmd[0] != "staticcheck" { // which fails when it finds something
			return err
		}
		row(s.what, k)
	}
	t.end()
	return b.facts(dir, c, name)
}

// touch adds a comment above all code of a file of the package that the most packages of the module
// import, or of one that none imports and that is not the largest.
func touch(dir string, core bool) error {
	cmd := exec.Command("go", "list", "-e", "-f", `{{.ImportPath}} {{.Dir}} {{range .GoFiles}}{{.}} {{end}}{{"\t"}}{{join .Deps " "}}`, "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	type pkg struct {
		path, file string
		users      int
	}
	var pkgs []*pkg
	byPath := map[string]*pkg{}
	deps := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		head, tail, _ := strings.Cut(line, "\t")
		f := strings.Fields(head)
		if len(f) < 3 {
			continue
		}
		p := &pkg{path: f[0], file: filepath.Join(f[1], f[2])}
		pkgs = append(pkgs, p)
		byPath[p.path], deps[p.path] = p, strings.Fields(tail)
	}
	for _, list := range deps {
		for _, d := range list {
			if p := byPath[d]; p != nil {
				p.users++
			}
		}
	}
	if len(pkgs) == 0 {
		return fmt.Errorf("%s has no packages", dir)
	}
	slices.SortStableFunc(pkgs, func(x, y *pkg) int { return cmp.Or(cmp.Compare(y.users, x.users), strings.Compare(x.path, y.path)) })
	name := pkgs[len(pkgs)-1].file
	if core {
		name = pkgs[0].file
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return os.WriteFile(name, append([]byte("// touched\n\n"), data...), 0o666)
}

// synthetic measures modules of several sizes: where cost grows with the code, each row has
// the same quotient.
func (b *bench) synthetic(sizes string) error {
	t := table{w: b.w}
	t.add("synthetic module", "lines", "plan, cold: wall", "user CPU", "per 1000 lines", "peak", "a file touched that nothing depends on: user CPU", "nothing changed: wall")
	for size := range strings.SplitSeq(sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			return fmt.Errorf("-sizes: %w", err)
		}
		dir := filepath.Join(b.tmp, "synth"+size)
		if err := writeModule(dir, n); err != nil {
			return err
		}
		lines, err := countLines(dir)
		if err != nil {
			return err
		}
		// Nothing of the module has to be compiled: it imports the standard library only.
		if err := b.fill(dir, "std"); err != nil {
			return err
		}
		c, err := b.fresh()
		if err != nil {
			return err
		}
		plan := func() (cost, error) { return b.measure(dir, c, b.tool, "plan", "./...") }
		cold, err := plan()
		if err != nil {
			return err
		}
		if err := touch(dir, false); err != nil {
			return err
		}
		touched, err := plan()
		if err != nil {
			return err
		}
		same, err := plan()
		if err != nil {
			return err
		}
		t.add(size+" packages", fmt.Sprint(lines), seconds(cold.wall), seconds(cold.cpu), fmt.Sprintf("%.0f ms", cold.cpu.Seconds()*1e6/float64(lines)),
			megabytes(cold.peak), seconds(touched.cpu), seconds(same.wall))
		c.remove()
	}
	t.end()
	return nil
}

func countLines(dir string) (n int, err error) {
	err = filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" {
			return err
		}
		data, err := os.ReadFile(name)
		n += bytes.Count(data, []byte("\n"))
		return err
	})
	return n, err
}
