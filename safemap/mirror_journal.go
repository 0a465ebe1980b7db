// SPDX-License-Identifier: MIT-0

// What a Mirror reports, and how it compares and hashes values.

package safemap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// mirrorJournal counts the differences of a Mirror and logs the first one of each key. Records wait in
// it until no lock is held: a log handler may use the map.
type mirrorJournal struct {
	options MirrorOptions
	mu      sync.Mutex
	n       int             // differences; guarded by mu, as the rest is
	seen    map[string]bool // digests of keys that were logged; at most Tolerate + 1
	waiting []slog.Record
	some    atomic.Bool // whether there are waiting records
}

// start returns with what share, in percent, the options and the environment have a Mirror begin, or
// that its candidate is to be adopted.
func (j *mirrorJournal) start() (share float64, adopt bool) {
	share = j.options.Share
	setting := ""
	for _, item := range strings.Split(os.Getenv("SAFEMAP_MIRROR"), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		if name == j.options.Name && name != "" || name == "*" && setting == "" {
			setting = value
		}
	}
	switch setting {
	case "":
		return share, false
	case "primary":
		return 0, false
	case "candidate":
		return 0, true
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(setting, "%"), 64)
	if err != nil || !(percent >= 0 && percent <= 100) {
		j.logger().Warn("mirror: SAFEMAP_MIRROR is neither a percentage nor primary or candidate", "map", j.options.Name, "value", setting)
		return share, false
	}
	return percent, false
}

func (j *mirrorJournal) logger() *slog.Logger {
	if j.options.Logger != nil {
		return j.options.Logger
	}
	return slog.Default()
}

// difference notes that an operation on the key with digest key came to want on the primary, and to got
// or a panic on the candidate. It reports whether that was one too many.
func (j *mirrorJournal) difference(operation, key, want, got string, panicked any) (abandon bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.n++
	if !j.seen[key] {
		if j.seen == nil {
			j.seen = make(map[string]bool)
		}
		j.seen[key] = true
		attrs := []slog.Attr{slog.String("operation", operation), slog.String("key_hash", key),
			slog.String("output_hash", want), slog.String("mirror_output_hash", got)}
		if panicked != nil {
			attrs = append(attrs, slog.String("mirror_panic", fmt.Sprint(panicked)))
		}
		j.wait("mirror: outputs differ", attrs)
	}
	if panicked == nil && j.n <= j.options.Tolerate {
		return false
	}
	if !j.seen["abandoned"] { // no digest
		j.seen["abandoned"] = true
		j.wait("mirror: candidate abandoned", []slog.Attr{slog.Int("differences", j.n)})
	}
	return true
}

// wait queues a record.
func (j *mirrorJournal) wait(message string, attrs []slog.Attr) {
	now := time.Now()
	r := slog.NewRecord(now, slog.LevelError, message, 0)
	trace, service := "", j.options.Service
	if j.options.TraceID != nil {
		trace = j.options.TraceID()
	}
	if service == "" {
		service = filepath.Base(os.Args[0])
	}
	r.AddAttrs(slog.String("trace_id", trace), slog.String("service", service), slog.String("map", j.options.Name))
	r.AddAttrs(attrs...)
	r.AddAttrs(slog.Int64("timestamp_ms", now.UnixMilli()))
	j.waiting = append(j.waiting, r)
	j.some.Store(true)
}

// flush logs the waiting records. It is called with no lock held.
func (j *mirrorJournal) flush() {
	if !j.some.Load() {
		return
	}
	j.mu.Lock()
	records := j.waiting
	j.waiting = nil
	j.some.Store(false)
	j.mu.Unlock()
	handler := j.logger().Handler()
	for _, r := range records {
		if ctx := context.Background(); handler.Enabled(ctx, r.Level) {
			handler.Handle(ctx, r)
		}
	}
}

func (j *mirrorJournal) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.n
}

// agree reports whether an operation came to the same on both sides.
func (st *mirrorState[K, V]) agree(want, got outcome[V]) bool {
	return got.panicked == nil && got.ok == want.ok && got.loaded == want.loaded &&
		st.same(want.value, got.value) && st.same(want.old, got.old)
}

func (st *mirrorState[K, V]) same(a, b V) bool {
	return st.plain && any(a) == any(b) || sameRendering(a, b)
}

// sameRendering is the slow way to compare. (As a function of its own it leaves same without
// allocations: taking addresses moves a and b to the heap.)
func sameRendering[V any](a, b V) bool {
	return string(appendValue(nil, reflect.ValueOf(&a).Elem())) == string(appendValue(nil, reflect.ValueOf(&b).Elem()))
}

// isPlain reports whether values of type t can be compared by == without a panic. If that says that
// they differ, they still may not: NaN is the same as NaN here.
func isPlain(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Interface:
		return false
	case reflect.Array:
		return isPlain(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if !isPlain(t.Field(i).Type) {
				return false
			}
		}
		return true
	}
	return t.Comparable()
}

// digest returns the SHA-256 of a key or value: of the text itself for strings, of decimal digits for
// integers, of appendValue's rendering for all else.
func digest[T any](v T) string {
	value := reflect.ValueOf(&v).Elem()
	text := []byte(nil)
	if value.Kind() == reflect.String {
		text = []byte(value.String())
	} else {
		text = appendValue(nil, value)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// digestOutcome returns the SHA-256 of what an operation returned.
func digestOutcome[V any](out outcome[V]) string {
	if out.panicked != nil {
		return ""
	}
	sum := sha256.Sum256(strconv.AppendBool(append(appendValue(nil, reflect.ValueOf(&out.value).Elem()), ' '), out.ok))
	return hex.EncodeToString(sum[:])
}

// appendValue appends a rendering of v that is the same for the same values, and only for them. It does
// not follow pointers, slices and maps: others may be writing there. So their renderings mean
// something in one process only. Two closures of one function look alike.
func appendValue(to []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.AppendBool(to, v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return strconv.AppendInt(to, v.Int(), 10)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return strconv.AppendUint(to, v.Uint(), 10)
	case reflect.Float32, reflect.Float64:
		return strconv.AppendUint(append(to, 'f'), math.Float64bits(v.Float()), 16)
	case reflect.Complex64, reflect.Complex128:
		to = strconv.AppendUint(append(to, 'c'), math.Float64bits(real(v.Complex())), 16)
		return strconv.AppendUint(append(to, ','), math.Float64bits(imag(v.Complex())), 16)
	case reflect.String:
		return strconv.AppendQuote(to, v.String())
	case reflect.Interface:
		if v.IsNil() {
			return append(to, "nil"...)
		}
		to = append(append(to, v.Elem().Type().String()...), '(')
		return append(appendValue(to, v.Elem()), ')')
	case reflect.Array, reflect.Struct:
		n, field := v.Len, v.Index
		if v.Kind() == reflect.Struct {
			n, field = v.NumField, v.Field
		}
		to = append(to, '{')
		for i := range n() {
			to = append(appendValue(to, field(i)), ' ')
		}
		return append(to, '}')
	case reflect.Slice:
		to = strconv.AppendInt(append(to, '['), int64(v.Len()), 10)
		to = strconv.AppendInt(append(to, ':'), int64(v.Cap()), 10)
	}
	return strconv.AppendUint(append(to, '@'), uint64(v.Pointer()), 16)
}
