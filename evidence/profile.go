// This file reads profiles: where a program spends CPU time, and where it waits for locks.

package evidence

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/google/pprof/profile"
)

// ProfileKind says what the values of a profile measure.
type ProfileKind string

const (
	CPU   ProfileKind = "cpu"   // time on a processor
	Mutex ProfileKind = "mutex" // time that others waited, at the place that let them in
	Block ProfileKind = "block" // time that a goroutine waited itself
)

// A Profile is the stacks of a pprof file with what each of them weighs.
type Profile struct {
	Kind    ProfileKind
	Samples []Sample
	Total   int64 // of all samples; never 0
}

// A Sample is one stack.
type Sample struct {
	Value  int64
	Frames []Frame // innermost first, inlined calls as frames of their own
}

// IsProfile reports whether data looks like a profile rather than a log: gzip (which
// every binary profile is packed in), or the head of a legacy text profile.
func IsProfile(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0x1f, 0x8b}) || bytes.HasPrefix(data, []byte("--- mutex:")) || bytes.HasPrefix(data, []byte("--- contention:"))
}

// ParseProfile reads a CPU, mutex or block profile. Another kind (heap, goroutine,
// trace) is an error that says so, and so is one without samples: nothing can be
// weighed with it.
//
// A mutex and a block profile have the same sample types; a block profile is told by
// stacks that wait (chan receive, select, Lock) where a mutex profile's release.
func ParseProfile(data []byte) (*Profile, error) {
	raw, err := profile.ParseData(data)
	if err != nil {
		return nil, fmt.Errorf("this is no profile: %w", err)
	}
	out := &Profile{}
	value := -1
	for i, t := range raw.SampleType {
		switch t.Type {
		case "cpu":
			out.Kind, value = CPU, i
		case "delay":
			out.Kind, value = Mutex, i
		}
	}
	if value < 0 {
		var types []string
		for _, t := range raw.SampleType {
			types = append(types, t.Type)
		}
		return nil, fmt.Errorf("a profile of %s says nothing about maps and locks: give a CPU, mutex or block profile", strings.Join(types, ", "))
	}
	for _, s := range raw.Sample {
		sample := Sample{Value: s.Value[value]}
		for _, loc := range s.Location {
			for _, l := range loc.Line {
				if l.Function != nil {
					sample.Frames = append(sample.Frames, Frame{l.Function.Name, l.Function.Filename, int(l.Line)})
				}
			}
		}
		if sample.Value <= 0 || len(sample.Frames) == 0 {
			continue
		}
		if out.Kind == Mutex && waits(sample.Frames[0].Func) {
			out.Kind = Block
		}
		out.Samples = append(out.Samples, sample)
		out.Total += sample.Value
	}
	if out.Total == 0 {
		return nil, fmt.Errorf("the %s profile has no samples with symbols: take a longer one", out.Kind)
	}
	return out, nil
}

// waits reports whether a function of the runtime or sync is one that waits.
func waits(fn string) bool {
	return strings.HasPrefix(fn, "runtime.chan") || strings.HasPrefix(fn, "runtime.select") ||
		strings.HasSuffix(fn, ".Lock") || strings.HasSuffix(fn, ".RLock") || strings.HasSuffix(fn, ".Wait")
}

// On returns the part of the profile, 0 to 1, that is spent on lines that use the
// target's map: in samples whose innermost frame outside the runtime, and outside
// libraries that were handed the map, stands on one. It bounds what a faster map could
// save.
func (p *Profile) On(t *Target) float64 {
	return p.part(func(s *Sample) bool {
		a := Access{Frames: s.Frames}
		return a.uses(t, onLine)
	})
}

// OnUse is On for one use.
func (p *Profile) OnUse(t *Target, use int) float64 {
	one := Target{Uses: t.Uses[use : use+1]}
	return p.part(func(s *Sample) bool {
		a := Access{Frames: s.Frames}
		return a.uses(&one, onLine)
	})
}

// Waiting returns the part of a mutex or block profile, 0 to 1, that is lock waiting in
// functions that use the target: an upper bound on what a map without that lock could
// save, since the functions may hold other locks too.
func (p *Profile) Waiting(t *Target) float64 {
	if p.Kind == CPU {
		return 0
	}
	return p.part(func(s *Sample) bool {
		i := 0
		locks := false
		for i < len(s.Frames) && (isRuntime(s.Frames[i].Func) || isSync(s.Frames[i].Func)) {
			locks = locks || isSync(s.Frames[i].Func)
			i++
		}
		// Unlock is inlined into its caller's line, or deferred: the function counts, not the line.
		return locks && i < len(s.Frames) && slices.ContainsFunc(t.Uses, func(u Use) bool { return inFunction(s.Frames[i], &u) })
	})
}

func isSync(fn string) bool {
	return strings.HasPrefix(fn, "sync.(*Mutex).") || strings.HasPrefix(fn, "sync.(*RWMutex).") || strings.HasPrefix(fn, "internal/sync.(*Mutex).")
}

func (p *Profile) part(counts func(*Sample) bool) float64 {
	var sum int64
	for i := range p.Samples {
		if counts(&p.Samples[i]) {
			sum += p.Samples[i].Value
		}
	}
	return float64(sum) / float64(p.Total)
}
