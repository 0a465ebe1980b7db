// This file looks for comments that are gone.

package main

import (
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// lostComments compares the comments of all Go files of two folders, as multisets: how
// many of the first are not in the second, of how many in the files that differ.
func lostComments(before, after string) (lost, seen int, err error) {
	err = filepath.WalkDir(before, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
			return err
		}
		rel, err := filepath.Rel(before, name)
		if err != nil {
			return err
		}
		old, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		now, err := os.ReadFile(filepath.Join(after, rel))
		if err != nil {
			return err
		}
		if string(old) == string(now) {
			return nil
		}
		left := map[string]int{}
		for _, c := range commentsOf(now) {
			left[c]++
		}
		for _, c := range commentsOf(old) {
			seen++
			if left[c]--; left[c] < 0 {
				lost++
			}
		}
		return nil
	})
	return lost, seen, err
}

// commentsOf returns the comments of a file without their white space, which may change
// with the indentation.
func commentsOf(src []byte) (out []string) {
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile("", -1, len(src)), src, nil, scanner.ScanComments)
	for {
		_, tok, lit := s.Scan()
		if tok == token.EOF {
			return out
		}
		if tok == token.COMMENT {
			out = append(out, strings.Join(strings.Fields(lit), " "))
		}
	}
}
