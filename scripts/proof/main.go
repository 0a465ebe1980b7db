// Proof runs the measured sets of race tests and prints what came of them as a table: the
// racy programs (their tests fail before and pass after), the correct ones (no race test,
// behaviour tests pass), and the mutants (atomic calls split in two are found).
//
//	go run ./scripts/proof            # 20 runs of each test, 10 of each mutant
//	go run ./scripts/proof -once      # one run, to see whether all works
//
// It needs a C compiler, for the race detector, and half an hour of two cores.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// sets are the tests that measure, and the line of each that says what it measured.
var sets = []struct {
	name, test string
	line       *regexp.Regexp
}{
	{"racy programs", "TestRacyPrograms", regexp.MustCompile(`\d+ sites; .*`)},
	{"racy programs, guard and mutex", "TestGuardedPrograms", regexp.MustCompile(`\d+ sites; .*`)},
	{"correct programs", "TestCorrectPrograms", regexp.MustCompile(`\d+ programs, .*`)},
	{"mutants", "TestMutants", regexp.MustCompile(`\d+ of \d+ mutants .*`)},
	{"generated files, staticcheck", "TestStaticcheck", regexp.MustCompile(`\d+ generated files|staticcheck is not on the path`)},
}

func main() {
	once := flag.Bool("once", false, "run every test once")
	flag.Parse()
	failed := false
	fmt.Println("| set | measured | test | time |\n|---|---|---|---|")
	for _, s := range sets {
		start := time.Now()
		found, ok := run(s.test, s.line, !*once)
		result := "passed"
		if !ok {
			result, failed = "**failed**", true
		}
		fmt.Printf("| %s | %s | %s %s | %s |\n", s.name, found, s.test, result, time.Since(start).Round(time.Second))
	}
	if failed {
		os.Exit(1)
	}
}

// run runs one test and returns the line that it measures with, and whether it passed.
func run(test string, line *regexp.Regexp, every bool) (string, bool) {
	args := []string{"test", "-timeout=3h", "-count=1", "-v", "-run=^" + test + "$", "./rewrite/racetest"}
	if every {
		args = append(args, "-every")
	}
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err.Error(), false
	}
	if err := cmd.Start(); err != nil {
		return err.Error(), false
	}
	found := "-"
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		if m := line.FindString(sc.Text()); m != "" {
			found = strings.TrimSpace(m)
		} else if strings.Contains(sc.Text(), "_test.go:") {
			fmt.Fprintln(os.Stderr, sc.Text())
		}
	}
	return found, cmd.Wait() == nil
}
