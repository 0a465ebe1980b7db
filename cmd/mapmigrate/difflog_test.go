package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"

	"github.com/mapmigrate/mapmigrate/safemap"
)

// TestDifflogReadsMirrors has a Mirror write the logs that difflog reads: the words are the same.
func TestDifflogReadsMirrors(t *testing.T) {
	spoil := func(keys ...string) mirrorLog {
		var log bytes.Buffer
		log.WriteString("something else\n{\"msg\":\"about mirror: things\"}\n")
		candidate := safemap.NewLocked[string, int]()
		m := safemap.NewMirror[string, int](safemap.NewSharded[string, int](), candidate, safemap.MirrorOptions{
			Name: "sessions", Service: "shop", Share: 100, Tolerate: 2, Logger: slog.New(slog.NewJSONHandler(&log, nil))})
		for i, key := range keys {
			m.Store(key, 1)
			candidate.Store(key, 2+i)
			m.Load(key)
		}
		read, err := readMirrorLog(&log)
		if err != nil {
			t.Fatal(err)
		}
		return read
	}
	diff := diffLogs(spoil("a", "b"), spoil("a", "c", "d"))
	if got := fmt.Sprint(diff.Counts); got != "map[only MAIN:1 only MIRROR:2 same:1]" {
		t.Errorf("counts are %s", got)
	}
	if len(diff.Abandoned) != 1 || diff.Abandoned[0].Main || !diff.Abandoned[0].Mirror || diff.Abandoned[0].Map != "sessions" {
		t.Errorf("abandoned: %+v", diff.Abandoned)
	}
	if k := diff.Keys[0]; len(k.KeyHash) != 64 || k.Service != "shop" || len(k.Mirror) != 1 || k.Mirror[0].Operation != "Load" || k.Mirror[0].Output == k.Mirror[0].MirrorOutput {
		t.Errorf("first of all: %+v", k)
	}
	if same := diffLogs(spoil("a", "b"), spoil("a", "b")); !same.clean() || same.Counts[unchanged] != 2 {
		t.Errorf("the same twice: %+v", same)
	}
}
