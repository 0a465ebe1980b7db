package detect

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

func testCache(t *testing.T) *Cache {
	t.Setenv(cacheEnv, t.TempDir())
	c := OpenCache()
	if c == nil {
		t.Fatal("no cache")
	}
	return c
}

func keyOf(c *Cache, parts ...string) Key {
	h := c.NewHasher("test")
	h.Add(parts...)
	return h.Key()
}

// What is put in comes out, under its own key only.
func TestCacheKeeps(t *testing.T) {
	c := testCache(t)
	a, b := keyOf(c, "ab", "c"), keyOf(c, "a", "bc")
	if _, ok := c.Get(a); ok {
		t.Error("an empty cache has an answer")
	}
	c.Put(a, []byte("one"))
	c.Put(b, nil)
	if got, ok := c.Get(a); !ok || string(got) != "one" {
		t.Errorf("got %q, %v", got, ok)
	}
	if got, ok := c.Get(b); !ok || len(got) != 0 {
		t.Errorf("got %q, %v", got, ok)
	}
	other := &Cache{dir: c.dir, tool: "another build", size: c.size}
	if keyOf(other, "ab", "c") == a {
		t.Error("another build of the program has the same key")
	}
	t.Setenv(cacheEnv, "off")
	if off := OpenCache(); off != nil {
		t.Error("there is a cache although it is off")
	}
	var none *Cache
	none.Put(a, nil)
	none.Trim()
	if _, ok := none.Get(a); ok {
		t.Error("no cache has an answer")
	}
}

// An entry that is not whole is missing, whatever is wrong with it, and can be put again;
// so can all after the folder was deleted.
func TestCacheDamaged(t *testing.T) {
	c := testCache(t)
	k := keyOf(c, "k")
	value := []byte("a value of some length")
	for name, damage := range map[string]func(file string, data []byte) error{
		"cut":     func(file string, data []byte) error { return os.WriteFile(file, data[:len(data)-1], 0o666) },
		"empty":   func(file string, data []byte) error { return os.WriteFile(file, nil, 0o666) },
		"longer":  func(file string, data []byte) error { return os.WriteFile(file, append(data, 'x'), 0o666) },
		"changed": func(file string, data []byte) error { data[len(data)-3] ^= 1; return os.WriteFile(file, data, 0o666) },
		"foreign": func(file string, data []byte) error { return os.WriteFile(file, bytes.Repeat([]byte{7}, 100), 0o666) },
		"gone":    func(string, []byte) error { return os.RemoveAll(c.dir) },
	} {
		c.Put(k, value)
		data, err := os.ReadFile(c.file(k))
		if err != nil {
			t.Fatal(err)
		}
		if err := damage(c.file(k), data); err != nil {
			t.Fatal(err)
		}
		if got, ok := c.Get(k); ok {
			t.Errorf("%s: got %q", name, got)
		}
		c.Put(k, value)
		if got, ok := c.Get(k); !ok || !bytes.Equal(got, value) {
			t.Errorf("%s: put again, got %q, %v", name, got, ok)
		}
	}
}

// Many users at once, one of whom keeps deleting everything: an answer is always whole and
// the right one.
func TestCacheShared(t *testing.T) {
	c := testCache(t)
	const keys = 5
	value := func(k int) []byte { return bytes.Repeat(fmt.Appendf(nil, "%d,", k), 10_000) }
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				os.RemoveAll(c.dir)
				time.Sleep(time.Millisecond)
				c.trim(time.Now())
			}
		}
	})
	var users sync.WaitGroup
	for range 4 {
		users.Go(func() {
			mine := &Cache{dir: c.dir, tool: c.tool, size: c.size} // as another process has it
			for i := range 200 {
				k := keyOf(mine, fmt.Sprint(i%keys))
				if got, ok := mine.Get(k); !ok {
					mine.Put(k, value(i%keys))
				} else if !bytes.Equal(got, value(i%keys)) {
					t.Errorf("%d bytes that were not put in", len(got))
				}
			}
		})
	}
	users.Wait()
	close(stop)
	wg.Wait()
}

// Trimming removes what was not used for long, then the oldest, and nothing that it has
// not made.
func TestCacheTrim(t *testing.T) {
	c := testCache(t)
	c.size = 2500
	now := time.Now()
	put := func(name string, age time.Duration) Key {
		k := keyOf(c, name)
		c.Put(k, make([]byte, 1000))
		if err := os.Chtimes(c.file(k), now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
		return k
	}
	unused, older, old, young := put("unused", 6*24*time.Hour), put("older", 3*time.Hour), put("old", 2*time.Hour), put("young", time.Hour)
	theirs := filepath.Join(c.dir, string(older[:2]), "theirs")
	if err := os.WriteFile(theirs, make([]byte, 10_000), 0o666); err != nil {
		t.Fatal(err)
	}
	c.trim(now)
	for k, want := range map[Key]bool{unused: false, older: false, old: true, young: true} {
		if _, ok := c.Get(k); ok != want {
			t.Errorf("%s: there is %v, want %v", k, ok, want)
		}
	}
	if _, err := os.Stat(theirs); err != nil {
		t.Error("a file of somebody else is gone")
	}
}
