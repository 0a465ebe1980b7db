// Bench compares safemap's types with the concurrent maps of other libraries and with plain maps
// behind locks. It is a module of its own, so that what it compares with is no dependency of
// mapmigrate.
//
//	go run . -o ../../docs                      everything, as docs/bench.md and docs/bench.svg
//	go run . -work 'load|mix' -only 'xsync|Fast' -reps 41    some of it, to standard output
//	go run . -quick                             whether it runs at all
//
// What is measured is the CPU time of the process per operation: on a machine that others use, too,
// it says more than the time on the clock, and it counts the garbage collection that a contender
// causes. It does not count waiting, so it flatters a single lock that goroutines queue for. The loop
// itself is measured as a contender and subtracted. Contenders take turns within each repetition, and
// the median over the repetitions counts.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := bench(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// bench runs the command.
func bench(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("o", "", "write bench.md and bench.svg into `dir`, too")
	sizes := flags.String("n", "1000", "map `sizes`, comma-separated")
	goroutines := flags.String("p", "1,2,8", "numbers of `goroutines`, comma-separated")
	kinds := flags.String("keys", "string,int,pair", "key `kinds`, comma-separated")
	reps := flags.Int("reps", 21, "measurements of each cell")
	target := flags.Duration("time", 4*time.Millisecond, "CPU `time` of one measurement")
	only := flags.String("only", "", "only contenders that match this `regexp`")
	work := flags.String("work", "", "only workloads that match this `regexp`; memory is one")
	quick := flags.Bool("quick", false, "run everything once, shortly: the figures mean nothing")
	verbose := flags.Bool("v", false, "say what is being measured")
	if err := flags.Parse(args); err != nil {
		return err
	}
	conf := config{reps: *reps, target: *target, entries: 100_000, progress: func(string, ...any) {}}
	if *verbose {
		conf.progress = func(format string, args ...any) {
			fmt.Fprintf(stderr, time.Now().Format(time.TimeOnly)+" "+format+"\n", args...)
		}
	}
	var err error
	if conf.contender, err = matcher(*only); err != nil {
		return err
	}
	if conf.workload, err = matcher(*work); err != nil {
		return err
	}
	if conf.sizes, err = numbers(*sizes); err != nil {
		return fmt.Errorf("-n: %w", err)
	}
	if conf.goroutines, err = numbers(*goroutines); err != nil {
		return fmt.Errorf("-p: %w", err)
	}
	if *quick {
		conf.sizes, conf.reps, conf.turns, conf.entries = []int{200}, 1, 200, 1000
	}
	command := strings.TrimSpace("go run . " + strings.Join(args, " "))
	result := results{conf: conf, command: command, machine: machine(), started: time.Now()}
	for _, kind := range strings.Split(*kinds, ",") {
		if err := result.measure(kind); err != nil {
			return err
		}
	}
	return result.write(stdout, *out)
}

// measure adds what is to be known about one key kind.
func (r *results) measure(kind string) error {
	for _, n := range r.conf.sizes {
		var err error
		switch kind {
		case "string":
			err = measureAll(r, stringContenders, stringKeys(n))
		case "int":
			err = measureAll(r, intContenders, intKeys(n))
		case "pair":
			err = measureAll(r, pairContenders, pairKeys(n))
		default:
			err = fmt.Errorf("-keys: unknown kind %q: use string, int or pair", kind)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func measureAll[K comparable](r *results, all []contender[K], s keySet[K]) error {
	figures, err := measure(r.conf, all, s)
	if err != nil {
		return err
	}
	r.figures = append(r.figures, figures...)
	r.memory = append(r.memory, measureMemory(r.conf, all, s)...)
	return nil
}

// write prints the report, and writes it with its chart into the folder out unless that is empty.
func (r *results) write(stdout io.Writer, out string) error {
	var report bytes.Buffer
	r.markdown(&report)
	if out != "" {
		if err := os.MkdirAll(out, 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, "bench.md"), report.Bytes(), 0o666); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, "bench.svg"), []byte(r.chart()), 0o666); err != nil {
			return err
		}
	}
	_, err := stdout.Write(report.Bytes())
	return err
}

// matcher returns a function that reports whether a name matches the expression, all if it is empty.
func matcher(expr string) (func(string) bool, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, err
	}
	return re.MatchString, nil
}

func numbers(list string) ([]int, error) {
	var all []int
	for _, s := range strings.Split(list, ",") {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a positive number", s)
		}
		all = append(all, n)
	}
	return all, nil
}
