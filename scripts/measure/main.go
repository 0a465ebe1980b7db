// Command measure migrates every map of a checkout, in a copy, and prints what came of
// it as a section of Markdown: the sections of docs/measured.md are its output.
//
//	go run ./scripts/measure -dir CHECKOUT -packages ./server/... -strategy sharded -test auto
//
// The checkout stays as it is. What the build needs beside the sources (generated
// assets) has to be in it.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	var r run
	flag.StringVar(&r.checkout, "dir", "", "the `folder` of a git checkout, at or below whose root the module is")
	flag.StringVar(&r.title, "title", "", "the project's `name` (default: the module's)")
	packages := flag.String("packages", "./...", "package `patterns`, separated by spaces")
	flag.StringVar(&r.strategy, "strategy", "sharded", "the form of all maps")
	tests := flag.String("test", "", "`packages` whose tests run before and after, separated by spaces; auto: those with most migrated sites")
	flag.IntVar(&r.most, "most", 10, "with -test=auto: so many packages")
	flag.DurationVar(&r.limit, "timeout", 5*time.Minute, "of one package's tests")
	flag.IntVar(&r.again, "again", 3, "how often a test that differs runs again on both sides")
	flag.StringVar(&r.tool, "mapmigrate", "", "the `binary` to measure (default: built from this module)")
	flag.Parse()
	r.patterns, r.tests = strings.Fields(*packages), strings.Fields(*tests)
	if r.checkout == "" || flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := r.measure(); err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// A run measures one checkout with one strategy.
type run struct {
	checkout, title, strategy, tool string
	patterns, tests                 []string
	most, again                     int
	limit                           time.Duration

	tmp           string
	before, after string // the module in the two copies
}

func (r *run) measure() error {
	tmp, err := os.MkdirTemp("", "measure-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	r.tmp = tmp
	if err := r.copies(tmp); err != nil {
		return err
	}
	if r.tool == "" {
		r.tool = filepath.Join(tmp, "mapmigrate")
		if _, err := command(".", "go", "build", "-o", r.tool, "./cmd/mapmigrate"); err != nil {
			return err
		}
	}
	p, took, err := r.plan(r.after)
	if err != nil {
		return err
	}
	r.heading(p, took)
	printCounts(p)
	if p.written() == 0 {
		return nil
	}
	fmt.Printf("| check of the result | |\n|---|---|\n")
	row("`git apply --check` of plan.diff", verdict(command(r.after, "git", "apply", "--check", filepath.Join(".mapmigrate", "plan.diff"))))
	changed := r.lines() // before apply, which leaves what is still to do
	if _, err := command(r.after, r.tool, "review", "--approve-all"); err != nil {
		return err
	}
	if _, err := command(r.after, r.tool, "apply"); err != nil {
		return err
	}
	lost, seen, err := lostComments(r.before, r.after)
	if err != nil {
		return err
	}
	row("comments lost", fmt.Sprintf("%d of %d in changed files", lost, seen))
	row("lines", changed)
	row("`go build ./...`", r.compare("build", "./..."))
	row("`go vet` of these packages and their tests", r.compare("vet", r.patterns...))
	again, _, err := r.plan(r.after)
	if err != nil {
		return err
	}
	row("a second run finds", fmt.Sprintf("%d sites to write", again.written()))
	fmt.Println()
	return r.compareTests(p)
}

// copies makes two copies of the checkout, one to stay and one to change.
func (r *run) copies(tmp string) error {
	dir, err := filepath.Abs(r.checkout)
	if err != nil {
		return err
	}
	top, err := command(dir, "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	root := strings.TrimSpace(top)
	inside, err := filepath.Rel(root, dir)
	if err != nil {
		return err
	}
	for _, c := range []struct {
		name string
		at   *string
	}{{"before", &r.before}, {"after", &r.after}} {
		to := filepath.Join(tmp, c.name)
		if _, err := command(".", "cp", "-a", root, to); err != nil {
			return err
		}
		*c.at = filepath.Join(to, inside)
		if err := os.RemoveAll(filepath.Join(*c.at, ".mapmigrate")); err != nil {
			return err
		}
	}
	return nil
}

// heading prints what was measured, and with which command.
func (r *run) heading(p *plan, took time.Duration) {
	if r.title == "" {
		r.title = p.Module
	}
	commit, _ := command(r.before, "git", "log", "-1", "--format=%h")
	fmt.Printf("### %s, %s\n\n", r.title, r.strategy)
	fmt.Printf("`mapmigrate plan --scope=all --strategy=%s --no-race-tests %s` at %s: %.0f s.\n\n",
		r.strategy, strings.Join(r.patterns, " "), strings.TrimSpace(commit), took.Seconds())
}

// compare runs a subcommand of go in both copies: what the original says as well is
// none of the migration's business.
func (r *run) compare(sub string, patterns ...string) string {
	args := append([]string{sub}, patterns...)
	now, err := command(r.after, "go", args...)
	if err == nil {
		return "passes"
	}
	old, _ := command(r.before, "go", args...)
	if clean(old, r.before) == clean(now, r.after) {
		return "says the same as of the original, which does not pass either"
	}
	return "FAILS: " + strings.ReplaceAll(strings.TrimSpace(now), "\n", "<br>")
}

// clean makes the output of two copies comparable: lines move, folders differ, and packages
// are looked at in any order.
func clean(out, dir string) string {
	lines := strings.Split(position.ReplaceAllString(strings.ReplaceAll(out, dir, ""), ""), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// lines counts what plan.diff changes. (git would have to read the whole index, which it cannot
// where a snapshot lacks a blob.)
func (r *run) lines() string {
	data, err := os.ReadFile(filepath.Join(r.after, ".mapmigrate", "plan.diff"))
	if err != nil {
		return err.Error()
	}
	files, added, removed, inHunk := 0, 0, 0, false
	for l := range strings.Lines(string(data)) {
		switch {
		case strings.HasPrefix(l, "diff --git "):
			files, inHunk = files+1, false
		case strings.HasPrefix(l, "@@ "):
			inHunk = true
		case inHunk && l[0] == '+':
			added++
		case inHunk && l[0] == '-':
			removed++
		}
	}
	return fmt.Sprintf("%d files changed, %d insertions(+), %d deletions(-)", files, added, removed)
}

func verdict(out string, err error) string {
	if err != nil {
		return "FAILS: " + strings.TrimSpace(out)
	}
	return "accepted"
}

func row(what, result string) { fmt.Printf("| %s | %s |\n", what, result) }

// command runs a command and returns all that it prints.
func command(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
