// This file tries a map's alternatives until one reproduces the race.

package racetest

import (
	"context"
	"fmt"

	"github.com/mapmigrate/mapmigrate/detect"
)

// A Reproduction is what looking for a failing test of one map found.
type Reproduction struct {
	Map     *detect.Map
	Test    *Test   // the one that failed; else the first that was tried; nil when none can be generated
	Outcome Outcome // of Test, on the original code
	Tried   int
	Err     error // why there is no test
}

// settled reports whether no other test can be better: it fails because of the map, and
// because of nothing else, which it would still fail for when the map is migrated.
func (r *Reproduction) settled() bool {
	return r.Outcome.Result == Failed && len(r.Outcome.Elsewhere) == 0
}

// Reproduce runs tests of every map on the original code: the best one first,
// then alternatives (another way in, an earlier call that fills the map, the
// stress form) for those that did not fail, at most tries in all. Those whose order the
// scheduler chooses get a second chance at the end. A program-level
// test that does not reproduce stays one: it is never traded for a map-level
// test, which would fail whatever the program does.
//
// before holds file contents by absolute path that differ from the working tree.
func (g *Generator) Reproduce(ctx context.Context, maps []*detect.Map, before map[string][]byte, tries int, opts RunOptions) ([]Reproduction, error) {
	dir := g.x.prog.Dir
	out := make([]Reproduction, len(maps))
	alts := make([][]*Test, len(maps))
	for i, m := range maps {
		out[i].Map = m
		alts[i], out[i].Err = g.Alternatives(m, max(tries, 1))
		for _, t := range alts[i] {
			if t.unordered {
				alts[i] = append(alts[i], t)
			}
		}
	}
	progress := opts.Progress
	done := 0
	for round := 0; ; round++ {
		var tests []*Test
		var index []int
		for i := range maps {
			if round < len(alts[i]) && !out[i].settled() {
				tests = append(tests, alts[i][round])
				index = append(index, i)
			}
		}
		if len(tests) == 0 {
			break
		}
		if progress != nil { // later rounds are repeats: count the maps that are settled
			opts.Progress = func(n, _ int) {
				if round == 0 {
					progress(n, len(maps))
				} else {
					progress(min(done+n, len(maps)), len(maps))
				}
			}
		}
		outs, err := Run(ctx, dir, Overlay(dir, before, tests), tests, opts)
		if err != nil {
			return nil, fmt.Errorf("running race tests: %w", err)
		}
		for k, i := range index {
			out[i].Tried++
			better := outs[k].Result == Failed && (out[i].Outcome.Result != Failed || len(outs[k].Elsewhere) < len(out[i].Outcome.Elsewhere))
			if better || out[i].Test == nil {
				out[i].Test, out[i].Outcome = outs[k].Test, outs[k]
			}
		}
		done = 0
		for i := range out {
			if out[i].Outcome.Result == Failed {
				done++
			}
		}
	}
	for i := range out {
		o := &out[i].Outcome
		if o.Result == Passed && out[i].Test.Form != Behaviour {
			o.Result, o.Detail = NotReproduced, "the test passed on the original code"
		}
	}
	return out, nil
}
