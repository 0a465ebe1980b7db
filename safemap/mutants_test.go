package safemap_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// This file shows that the tests see mistakes: TestMutants makes them, one at a time, and wants some
// test to fail. It takes minutes: go test -run TestMutants -mutants -v -timeout 1h .

var mutate = flag.Bool("mutants", false, "have TestMutants run the tests on code with mistakes")

// mutants are mistakes in both cores and in Nested, what is said about each, and the tests that see it.
var mutants = []struct {
	name, file, old, new string
	tests                string // which to run
	race                 bool   // with the race detector
}{
	// The plain core.
	{"plain: a loop's look-ups take no lock", "shards.go",
		"s.mu.Lock()\n\t\t\tvar ok bool\n\t\t\tvalue, ok = load(s.part, e.key)\n\t\t\ts.mu.Unlock()", "var ok bool\n\t\t\tvalue, ok = load(s.part, e.key)", "IterationBesideStoring", true},
	{"plain: Clear locks one shard at a time", "shards.go",
		"t.shards[i].mu.Lock()\n\t}\n\tfor i := range t.shards {\n\t\ts := &t.shards[i]\n", "_ = i\n\t}\n\tfor i := range t.shards {\n\t\ts := &t.shards[i]\n\t\ts.mu.Lock()\n", "Whole|Linearizable", false},
	{"plain: changes are not counted", "shards.go", "s.loops > 0", "s.loops > 1000", "LoopSees", false},
	{"plain: loops do not say that they run", "shards.go", "s.loops++", "_ = s.loops", "LoopSees", false},
	{"plain: deleting is no change", "sharded.go", "if s != nil {\n\t\ts.changes()\n\t}", "", "LoopSees", false},
	{"plain: loops look for NaN again", "shards.go", "s.version.Load() != version && e.key == e.key", "s.version.Load() != version", "^TestModel|FuzzModel|NaN", false},
	{"plain: loops never look again", "shards.go", "s.version.Load() != version && e.key == e.key", "s.version.Load() == version+1000 && e.key == e.key", "LoopSees", false},
	{"plain: Update calls back without the lock", "sharded.go", "defer s.unlock()\n\treturn mapUpdate(in, key, f)", "s.unlock()\n\treturn mapUpdate(in, key, f)", "Stress|Linearizable", false},
	{"plain: a panic in Compute leaves the lock", "sharded.go", "defer s.unlock()\n\treturn mapCompute(in, key, f)", "v, ok := mapCompute(in, key, f)\n\ts.unlock()\n\treturn v, ok", "LocksReleased", false},
	{"plain: Store without the lock", "sharded.go", "in[key] = value\n\ts.unlock()", "s.unlock()\n\tin[key] = value", "Stress|Readers", true},
	{"plain: two first stores make two tables", "shards.go", "m.table.CompareAndSwap(nil, newTable[K, P](cmp.Or(m.count, shardCount())))", "m.table.Store(newTable[K, P](cmp.Or(m.count, shardCount())))", "FirstStores", false},
	{"plain: shards by a hash that is the same everywhere", "shards.go", "P]{newSeeds(),", "P]{seeds{},", "TestShards", false},
	{"plain: ReplaceAll puts keys into other shards", "sharded.go", "parts[t.index(t.hash(k))]", "parts[len(parts)-1-t.index(t.hash(k))]", "^TestModel|Large", false},
	{"plain: null leaves the entries", "sharded_views.go", "m.in.reset()", "_ = m", "Decode", false},

	// The rows of a Nested, in the shards of the plain core.
	{"nested: a removed row leaves a gap", "rows.go", "x.distance(from, i) >= x.distance(free, i)", "from < 0", "RowIndex", false},
	{"nested: rows move up past where their search begins", "rows.go", "x.distance(from, i) >= x.distance(free, i)", "from >= 0", "RowIndex", false},
	{"nested: a larger index keeps the places", "rows.go", "x.place(content)", "x.slots[x.used], x.used = content, x.used+1", "RowIndex", false},
	{"nested: rows of the same hash are the same", "rows.go", "at.hash == hash && at.key == key", "at.hash == hash", "RowIndex", false},
	{"nested: storing a row is no change", "nested.go", "at.shard.changes()\n\tif at.slot != nil {", "if at.slot != nil {", "Nested", false},
	{"nested: deleting a row is no change", "nested.go", "at.shard.changes()\n\tat.shard.part.remove", "at.shard.part.remove", "Nested", false},
	{"nested: Store without the lock", "nested.go", "at.rowFor(a, b)[b] = value\n\tat.shard.unlock()", "at.shard.unlock()\n\tat.rowFor(a, b)[b] = value", "Nested", true},
	{"nested: pruning takes two steps", "nested.go", "at := m.get(a)\n\tdefer at.shard.unlock()\n\tdelete(at.row(), b)\n\tif at.slot != nil && len(at.slot.row) == 0 {\n\t\tat.delete()\n\t}", "m.Delete(a, b)\n\t_ = m.Len()\n\tm.DeleteRowIfEmpty(a)", "Nested", false},
	{"nested: a panic in Update leaves the lock", "nested.go", "defer at.shard.unlock()\n\tvalue := f(", "defer func() {\n\t\tif r := recover(); r != nil {\n\t\t\tpanic(r)\n\t\t}\n\t\tat.shard.unlock()\n\t}()\n\tvalue := f(", "Nested|LocksReleased", false},

	// The fast core.
	{"fast: the tag is published before the key", "fast_table.go",
		"*g.key(j) = key // nobody looks yet (2), nor into the cell\n", "g.tags.Store(tags | liveTag(h)<<(8*j))\n\t\truntime.Gosched()\n\t\t*g.key(j) = key\n", "Readers", true},
	{"fast: full groups are not marked", "fast_table.go", "g.tags.Store(tags | mark(h))\n", "", "Large", false},
	{"fast: moved keys leave no mark", "fast_table.go", "*tags |= mark(h)\n", "", "Large", false},
	{"fast: marks are lost when a key dies", "fast_table.go", "tags&^(0xff<<(8*at.index))", "tags&^(0xff<<(8*at.index))&^(0xff<<56)", "Large|Readers|Reshape", false},
	{"fast: searches of shared tables leave their shard", "fast_table.go", "if i++; i%uint64(t.region) == 0 {\n\t\ti -= uint64(t.region)", "if i++; i%uint64(t.groups) == 0 {\n\t\ti -= uint64(t.groups)", "Large|Reshape|Readers", false},
	{"fast: a new table is not published", "fast_layout.go", "m.rebuild(&s.part)\n\t\t\tm.publish(s, h)\n", "m.rebuild(&s.part)\n", "Large|Reshape", false},
	{"fast: a smaller table is not published", "fast_layout.go", "m.rebuild(&s.part)\n\tm.publish(s, h)\n", "m.rebuild(&s.part)\n", "Large|Reshape", false},
	{"fast: tables do not shrink", "fast_layout.go", "p.live < p.room/8", "p.live < 0", "Shrinks", false},
	{"fast: shared tables grow without the locks", "fast_layout.go", "m.lockAll()\n\tdefer m.unlockAll()\n\tl := layout", "l := layout", "Reshape|Readers", true},
	{"fast: room is made once, for whoever comes first", "fast_layout.go", "s.used == s.room {\n\t\tif m.table", "s.used > s.room {\n\t\tif m.table", "Large|Reshape", false},
	{"fast: the shards' own tables are shown after the shared one is gone", "fast_layout.go",
		"if l.table == nil {\n\t\tm.views.Store(viewsOf(l.parts))\n\t}\n\tm.table.Store(l.table)", "m.table.Store(l.table)\n\truntime.Gosched()\n\tif l.table == nil {\n\t\tm.views.Store(viewsOf(l.parts))\n\t}", "Reshape|Readers", false},
	{"fast: readers forget the shared table", "fast_layout.go", "m.table.Store(l.table)", "if l.table != nil {\n\t\tm.table.Store(l.table)\n\t}", "Large|Reshape", false},
	{"fast: a cell is cleared while its slot is live", "fast_table.go",
		"tags := at.group.tags.Load()\n\tat.group.tags.Store(tags&^", "tags := at.group.tags.Load()\n\tif m.cells != wordCell {\n\t\tatomic.StorePointer((*unsafe.Pointer)(at.group.cell(at.index)), nil)\n\t\truntime.Gosched()\n\t}\n\tat.group.tags.Store(tags&^", "Readers", false},
	{"fast: nil in a dead slot passes for a value", "fast_table.go", "case p == nil && g.tags.Load()>>(8*j)&0xff == deadTag:", "case false:", "Readers", false},
	{"fast: cells keep what was deleted", "fast_table.go", "atomic.StorePointer((*unsafe.Pointer)(at.group.cell(at.index)), nil)", "_ = at", "LetGo", false},
	{"fast: dead slots become empty", "fast_table.go", "| deadTag<<(8*at.index)", "", "Large|Readers", false},
	{"fast: Load looks into one group", "fast_sharded.go", "if tags&mark(h) == 0 {", "if true {", "Large", false},
	{"fast: Load takes the wrong marks", "fast_sharded.go", "if tags&mark(h) == 0 {", "if tags&mark(h+1<<40) == 0 {", "Large", false},
	{"fast: rebuilding brings back the dead", "fast_table.go", "live := g.tags.Load() & slotBits", "live := (g.tags.Load() | g.tags.Load()<<7) & slotBits", "Large", false},
	{"fast: Store without the lock", "fast_sharded.go", "if at := m.find(s, h, key); at.found && m.cells == wordCell {\n\t\tm.setWord(at, value)\n\t} else {\n\t\tm.put(s, m.place(s, at, h, key), h, key, value)\n\t}\n\ts.mu.Unlock()", "at := m.place(s, m.find(s, h, key), h, key)\n\ts.mu.Unlock()\n\tm.put(s, at, h, key, value)", "Stress|Readers", true},
	{"fast: LoadOrStore does not look again under the lock", "fast_sharded.go", "if at.found {\n\t\treturn m.value(at), true\n\t}\n\tm.put(s, at, h, key, value)\n\treturn value, false\n}\n\n// LoadOrCompute", "m.put(s, at, h, key, value)\n\treturn value, false\n}\n\n// LoadOrCompute", "Stress|Linearizable", false},
	{"fast: LoadOrCompute does not look again under the lock", "fast_sharded.go", "if at.found {\n\t\treturn m.value(at), true\n\t}\n\tvalue := f()", "value := f()", "Stress|Linearizable", false},
	{"fast: a panic in Update leaves the lock", "fast_sharded.go", "defer s.mu.Unlock()\n\tat := m.find(s, h, key)\n\tif at.found && m.cells", "defer func() {\n\t\tif r := recover(); r != nil {\n\t\t\tpanic(r)\n\t\t}\n\t\ts.mu.Unlock()\n\t}()\n\tat := m.find(s, h, key)\n\tif at.found && m.cells", "^TestModel", false},
	{"fast: Clear replaces the table before it has the locks", "fast_layout.go",
		"func (m *FastSharded[K, V]) swap(l layout, made bool) []part {\n", "func (m *FastSharded[K, V]) swap(l layout, made bool) []part {\n\tm.table.Store(l.table)\n", "DrainStress|Linearizable|Readers|Whole|Model", false},
	{"fast: Clear locks one shard at a time", "fast_layout.go", "m.stripes[i].mu.Lock()\n\t}\n}", "m.stripes[i].mu.Lock()\n\t\tm.stripes[i].mu.Unlock()\n\t}\n}", "LocksReleased|Model|Whole", false},
	{"fast: loops yield from tables of the past", "fast_views.go", "m.table.Load() == t || m.tableOf(i) == t; key", "m.tableOf(i) != nil; key", "LoopSees", false},
	{"fast: loops yield the deleted", "fast_views.go", "ok := g.tags.Load()>>(8*j)&0x80 != 0", "ok := true", "LoopSees", false},
	{"fast: two first stores start the map twice", "fast_layout.go", "defer m.starting.Unlock()\n\tif !m.untouched() {\n\t\treturn\n\t}", "defer m.starting.Unlock()", "FirstStores", false},
	{"fast: hashes are the same everywhere", "hash.go", "rand.Uint64() | 1", "rand.Uint64()&0 | 0x9e3779b97f4a7c15", "TestShards", false},
	{"fast: structs are words even with pointers", "fast_table.go", "&& !hasPointers(t)", "", "LetGo", false},
	{"fast: two words are taken for one", "fast_table.go", "t.Size() <= unsafe.Sizeof(uintptr(0))", "t.Size() <= 2*unsafe.Sizeof(uintptr(0))", "Large|Readers", false},
}

// TestMutants runs on the mistakes what would otherwise pass.
func TestMutants(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range mutants { // so that changes of the code do not leave them behind
		source, err := os.ReadFile(filepath.Join(dir, m.file))
		if n := strings.Count(string(source), m.old); err != nil || n != 1 {
			t.Errorf("%s: %q is in %s %d times, want once (%v)", m.name, m.old, m.file, n, err)
		}
	}
	if !*mutate {
		t.Skip("takes minutes: run with -mutants")
	}
	failed := regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^(fatal error: .*|panic: .*|WARNING: DATA RACE)`)
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			path := filepath.Join(dir, m.file)
			source, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(string(source), m.old, m.new, 1)
			if strings.Contains(m.new, "runtime.") && !strings.Contains(text, "\t\"runtime\"\n") {
				text = strings.Replace(text, "\t\"reflect\"\n", "\t\"reflect\"\n\t\"runtime\"\n", 1)
			}
			mutant, overlay := filepath.Join(t.TempDir(), m.file), filepath.Join(t.TempDir(), "overlay.json")
			replace, err := json.Marshal(map[string]map[string]string{"Replace": {path: mutant}})
			if err != nil {
				t.Fatal(err)
			}
			for name, content := range map[string]string{mutant: text, overlay: string(replace)} {
				if err := os.WriteFile(name, []byte(content), 0o666); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
			defer cancel()
			args := []string{"test", "-overlay", overlay, "-vet=off", "-count=1", "-timeout=60s", "-failfast", "-run", m.tests}
			if m.race {
				args = append(args, "-race")
			}
			out, err := exec.CommandContext(ctx, "go", append(args, ".")...).CombinedOutput()
			switch {
			case ctx.Err() != nil:
				t.Fatal("timed out: nothing is known")
			case strings.Contains(string(out), "[build failed]"):
				t.Fatalf("does not compile:\n%s", out)
			case err == nil:
				t.Error("no test fails")
			default:
				t.Logf("killed by %q", failed.FindString(string(out)))
			}
		})
	}
}
