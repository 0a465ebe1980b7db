// This file defines the difflog command: two logs of safemap.Mirror, compared.

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

func newDifflog(e *env) *cobra.Command {
	var format, out string
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "difflog MAIN MIRROR",
		Short: "Compare two logs of safemap.Mirror",
		Long: `difflog compares the differences that two processes with a safemap.Mirror have logged:
the log of what runs in production with that of a new version, or two replicas. MAIN
and MIRROR are log files in JSON lines, as slog.NewJSONHandler writes them; lines
about other things are skipped, - is standard input.

Records of the same service, map and key (by its hash) belong together. Times, trace
ids and the order of records do not count. A key is

  only MAIN     a difference that the new version no longer has
  only MIRROR   a difference that is new
  changed       found by another operation, or with other outputs
  same          the same in both

A Mirror logs each key once. Outputs that hold pointers have other hashes in every
process; keys with such values come out as changed.`,
		Example: `  mapmigrate difflog main.log mirror.log
  mapmigrate difflog --exit-code --format=json main.log mirror.log`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			e.started = true
			if err := oneOf("format", format, "text", "json"); err != nil {
				return err
			}
			if args[0] == "-" && args[1] == "-" {
				return usagef("only one of MAIN and MIRROR can be standard input")
			}
			main, err := e.mirrorLog(args[0])
			if err != nil {
				return err
			}
			mirror, err := e.mirrorLog(args[1])
			if err != nil {
				return err
			}
			diff := diffLogs(main, mirror)
			if err := e.output(out, func(w io.Writer) error { return diff.print(w, format) }); err != nil {
				return err
			}
			if exitCode && !diff.clean() {
				return errFindings
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	cmd.Flags().StringVar(&out, "out", "", "write to `file` instead of standard output")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 3 if MIRROR has differences that MAIN has not, or has abandoned its candidate")
	return cmd
}

// mirrorRecord is one record of a Mirror. The names are those that safemap logs.
type mirrorRecord struct {
	Message      string `json:"msg"`
	Service      string `json:"service"`
	Map          string `json:"map"`
	Operation    string `json:"operation"`
	KeyHash      string `json:"key_hash"`
	Output       string `json:"output_hash"`
	MirrorOutput string `json:"mirror_output_hash"`
	Panic        string `json:"mirror_panic"`
	Differences  int    `json:"differences"`
}

// The messages of a Mirror's records.
const (
	messageDiffer    = "mirror: outputs differ"
	messageAbandoned = "mirror: candidate abandoned"
)

// mirroredKey is what records of two logs are matched by.
type mirroredKey struct {
	Service string `json:"service,omitempty"`
	Map     string `json:"map,omitempty"`
	KeyHash string `json:"key_hash,omitempty"` // empty where a whole-map operation differs in no one key
}

func (k mirroredKey) compare(other mirroredKey) int {
	return cmp.Or(strings.Compare(k.Service, other.Service), strings.Compare(k.Map, other.Map), strings.Compare(k.KeyHash, other.KeyHash))
}

// mirrorFinding is how a difference showed.
type mirrorFinding struct {
	Operation    string `json:"operation"`
	Output       string `json:"output_hash,omitempty"`
	MirrorOutput string `json:"mirror_output_hash,omitempty"`
	Panic        string `json:"mirror_panic,omitempty"`
}

func (f mirrorFinding) String() string {
	if f.Panic != "" {
		return fmt.Sprintf("%s panicked: %s", f.Operation, f.Panic)
	}
	return fmt.Sprintf("%s gave %s, its candidate %s", f.Operation, shortHash(f.Output), shortHash(f.MirrorOutput))
}

// shortHash abbreviates a hash, as git does.
func shortHash(hash string) string { return hash[:min(len(hash), 12)] }

// mirrorLog is what a log says.
type mirrorLog struct {
	found     map[mirroredKey][]mirrorFinding // sorted, without repetitions
	abandoned []mirroredKey                   // maps, sorted
}

// mirrorLog reads a log file, or standard input for "-".
func (e *env) mirrorLog(name string) (mirrorLog, error) {
	in := e.stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return mirrorLog{}, fmt.Errorf("cannot read a mirror's log: %w", err)
		}
		defer f.Close()
		in = f
	}
	log, err := readMirrorLog(in)
	if err != nil {
		return log, fmt.Errorf("cannot read a mirror's log: %s: %w", name, err)
	}
	return log, nil
}

// readMirrorLog collects the records of mirrors. Lines that are no JSON objects, or say something else,
// are other people's.
func readMirrorLog(in io.Reader) (mirrorLog, error) {
	log := mirrorLog{found: map[mirroredKey][]mirrorFinding{}}
	abandoned := map[mirroredKey]bool{}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadBytes('\n')
		var r mirrorRecord
		if bytes.Contains(line, []byte("mirror: ")) && json.Unmarshal(line, &r) == nil {
			key := mirroredKey{Service: r.Service, Map: r.Map, KeyHash: r.KeyHash}
			switch r.Message {
			case messageDiffer:
				log.found[key] = append(log.found[key], mirrorFinding{r.Operation, r.Output, r.MirrorOutput, r.Panic})
			case messageAbandoned:
				abandoned[key] = true
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return log, err
		}
	}
	for key, all := range log.found {
		slices.SortFunc(all, func(a, b mirrorFinding) int {
			return cmp.Or(strings.Compare(a.Operation, b.Operation), strings.Compare(a.Output, b.Output),
				strings.Compare(a.MirrorOutput, b.MirrorOutput), strings.Compare(a.Panic, b.Panic))
		})
		log.found[key] = slices.Compact(all)
	}
	log.abandoned = slices.SortedFunc(maps.Keys(abandoned), mirroredKey.compare)
	return log, nil
}

// logDiff is the result of comparing two logs.
type logDiff struct {
	Keys      []keyDiff      `json:"keys"`
	Abandoned []abandonment  `json:"abandoned"`
	Counts    map[string]int `json:"counts"` // of keys, by status
}

// keyDiff is a key with differences in either log.
type keyDiff struct {
	Status string `json:"status"`
	mirroredKey
	Main   []mirrorFinding `json:"main"`
	Mirror []mirrorFinding `json:"mirror"`
}

// abandonment is a map whose candidate was abandoned.
type abandonment struct {
	mirroredKey
	Main   bool `json:"main"`
	Mirror bool `json:"mirror"`
}

const (
	onlyMirror = "only MIRROR"
	onlyMain   = "only MAIN"
	inBoth     = "changed"
	unchanged  = "same"
)

// statuses in the order in which they are printed: what is worth a look first.
var statuses = []string{onlyMirror, inBoth, onlyMain, unchanged}

func diffLogs(main, mirror mirrorLog) logDiff {
	diff := logDiff{Keys: []keyDiff{}, Abandoned: []abandonment{}, Counts: map[string]int{}}
	keys := slices.AppendSeq(slices.Collect(maps.Keys(main.found)), maps.Keys(mirror.found))
	slices.SortFunc(keys, mirroredKey.compare)
	for _, key := range slices.Compact(keys) {
		k := keyDiff{mirroredKey: key, Main: main.found[key], Mirror: mirror.found[key]}
		switch {
		case k.Main == nil:
			k.Status = onlyMirror
		case k.Mirror == nil:
			k.Status = onlyMain
		case slices.Equal(k.Main, k.Mirror):
			k.Status = unchanged
		default:
			k.Status = inBoth
		}
		diff.Keys = append(diff.Keys, k)
		diff.Counts[k.Status]++
	}
	slices.SortStableFunc(diff.Keys, func(a, b keyDiff) int {
		return slices.Index(statuses, a.Status) - slices.Index(statuses, b.Status)
	})
	gone := slices.Concat(main.abandoned, mirror.abandoned)
	slices.SortFunc(gone, mirroredKey.compare)
	for _, key := range slices.Compact(gone) {
		diff.Abandoned = append(diff.Abandoned, abandonment{key, slices.Contains(main.abandoned, key), slices.Contains(mirror.abandoned, key)})
	}
	return diff
}

// clean reports whether MIRROR is no worse than MAIN.
func (d logDiff) clean() bool {
	return d.Counts[onlyMirror] == 0 && d.Counts[inBoth] == 0 &&
		!slices.ContainsFunc(d.Abandoned, func(a abandonment) bool { return a.Mirror })
}

func (d logDiff) print(w io.Writer, format string) error {
	if format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(d)
	}
	var buf bytes.Buffer
	for _, k := range d.Keys {
		fmt.Fprintf(&buf, "%-11s  %s\n", k.Status, k.mirroredKey)
		for _, f := range k.Main {
			fmt.Fprintf(&buf, "  in MAIN    %s\n", f)
		}
		for _, f := range k.Mirror {
			if k.Status != unchanged {
				fmt.Fprintf(&buf, "  in MIRROR  %s\n", f)
			}
		}
	}
	for _, a := range d.Abandoned {
		where := map[[2]bool]string{{true, true}: "both", {true, false}: "MAIN", {false, true}: "MIRROR"}[[2]bool{a.Main, a.Mirror}]
		fmt.Fprintf(&buf, "abandoned in %s: the candidate of %s\n", where, a.mirroredKey)
	}
	if len(d.Keys) == 0 {
		fmt.Fprintln(&buf, "No differences in either log.")
	} else {
		fmt.Fprintf(&buf, "%s with differences: %d only in MIRROR, %d changed, %d only in MAIN, %d the same.\n", plural(len(d.Keys), "key"),
			d.Counts[onlyMirror], d.Counts[inBoth], d.Counts[onlyMain], d.Counts[unchanged])
	}
	_, err := w.Write(buf.Bytes())
	return err
}

func (k mirroredKey) String() string {
	name := "map " + cmp.Or(k.Map, "(no name)")
	if k.Service != "" {
		name += " of " + k.Service
	}
	if k.KeyHash != "" {
		name += ", key " + shortHash(k.KeyHash)
	}
	return name
}
