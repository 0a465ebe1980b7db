package main

import (
	"bytes"
	"os"
	"testing"
)

// TestCurrent finds out whether cells.go is what the contenders of today make.
func TestCurrent(t *testing.T) {
	want, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../cells.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("cells.go is out of date: run go generate in safemap/bench")
	}
}
