// This file writes gocheck suites.

package racetest

import (
	"slices"
	"strings"
)

// checkSuite is the form of --framework=gocheck: 16 streams, each with a seed of its own
// that decides what it calls, how it dawdles, and which calls fail before they begin. A
// stream keeps a checksum of what it did and stamps of a logical clock around each burst
// of calls; both have to be what replaying the seed says: every call was made once, in
// its order, and only the injected failures failed.
//
// The clock orders the streams for the race detector as well, so it ticks once per
// burst and not per call: calls in overlapping bursts stay unordered.
func (r *render) checkSuite() {
	s := r.s
	check, rnd, rt, crc, atomics, sync := s.use(CheckPath), s.use("math/rand"), s.use("runtime"), s.use("hash/crc32"), s.use("sync/atomic"), s.use("sync")
	name := strings.ToLower(r.t.Name[len("TestRace"):][:1]) + r.t.Name[len("TestRace")+1:] + "Suite"
	r.header("Sixteen streams repeat the calls, with delays and failures that the seed fixes.")
	r.line("func %s(t *testing.T) {", r.t.Name)
	r.line("if result := %s.Run(new(%s), &%s.RunConf{}); !result.Passed() {\nt.Fatal(result)\n}\n}\n", check, name, check)
	r.line("type %s struct{}\n", name)
	r.line("func (*%s) TestStreams(t *%s.C) {", name, check)
	r.line("const (\nseed = %d\nstreams = 16\nbursts = 8\ncalls = 4 // of a burst\n)", r.t.Seed)
	r.line("t.Logf(\"seed %%d\", seed)")
	r.lines(s.setup)
	r.line("ops := []func(){")
	sides := r.sides
	if len(sides) == 2 && r.same() {
		sides = sides[:1]
	}
	for _, sd := range sides {
		r.line("func() {")
		r.lines(sd.stmts)
		r.line("%s\n},", sd.statement())
	}
	r.line("}")
	r.line("type record struct {\nsum uint32 // of what was called\nfailed int\nstamps []int64 // of the logical clock, around each burst\n}")
	r.line("// stream does what the seed says; do is nil when it is only replayed.")
	r.line("stream := func(n int64, do func(op func()), tick func() int64) record {")
	r.line("var rec record\nrng := %s.New(%s.NewSource(seed + n))", rnd, rnd)
	r.line("for i := 0; i < bursts*calls; i++ {")
	r.line("if i%%calls == 0 {\nrec.stamps = append(rec.stamps, tick())\n}")
	r.line("op, fails, pause := rng.Intn(len(ops)), rng.Intn(16) == 0, rng.Intn(4)")
	r.line("rec.sum = %s.Update(rec.sum, %s.IEEETable, []byte{byte(i), byte(op)})", crc, crc)
	r.line("func() {\ndefer func() {\nif recover() != nil {\nrec.failed++\n}\n}()")
	r.line("for ; do != nil && pause > 0; pause-- {\n%s.Gosched()\n}", rt)
	r.line("if fails {\npanic(\"injected\")\n}\nif do != nil {\ndo(ops[op])\n}\n}()")
	r.line("if i%%calls == calls-1 {\nrec.stamps = append(rec.stamps, tick())\n}\n}\nreturn rec\n}")
	r.line("var clock %s.Int64\nvar wg %s.WaitGroup\nvar got [streams]record", atomics, sync)
	r.line("for n := range got {\nwg.Add(1)\ngo func(n int) {\ndefer wg.Done()")
	r.line("got[n] = stream(int64(n), func(op func()) { op() }, func() int64 { return clock.Add(1) })\n}(n)\n}\nwg.Wait()")
	r.line("seen := map[int64]bool{}")
	r.line("for n, rec := range got {")
	r.line("want := stream(int64(n), nil, func() int64 { return 0 })")
	r.line("t.Check(rec.sum, %s.Equals, want.sum)\nt.Check(rec.failed, %s.Equals, want.failed)\nt.Check(rec.stamps, %s.HasLen, len(want.stamps))", check, check, check)
	r.line("for i, at := range rec.stamps {\nt.Check(seen[at], %s.Equals, false)\nseen[at] = true", check)
	r.line("t.Check(i == 0 || rec.stamps[i-1] < at, %s.Equals, true)\n}\n}", check)
	for _, stop := range slices.Backward(s.stops) {
		r.line("%s", stop)
	}
	r.line("}")
}
