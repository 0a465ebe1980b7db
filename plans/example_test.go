package plans_test

import (
	"bytes"
	"fmt"
	"log"
	"strings"
	"testing/fstest"

	"github.com/mapmigrate/mapmigrate/plans"
)

// A plan travels as JSON. Whoever reads it approves sites by name and sees exactly what
// applying them makes of the files.
func Example() {
	before := "package hits\n\nvar count = map[string]int{}\n\nfunc Add(k string) { count[k]++ }\n"
	after := "package hits\n\nvar count = NewCounts()\n\nfunc Add(k string) { count.Add(k, 1) }\n"
	module := fstest.MapFS{"hits.go": {Data: []byte(before)}}

	planned := &plans.Plan{Module: "example.com/hits", Complete: true, Sites: []*plans.Site{{
		ID: "hits-count", Name: "hits.count", Kind: "package-var", Type: "map[string]int",
		Pos: plans.Pos{File: "hits.go", Line: 3, Column: 5}, Status: plans.Proposed,
		Edits: plans.Edits("hits.go", []byte(before), []byte(after)),
	}}}
	if err := planned.Seal(module, ""); err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := plans.Encode(&file, planned); err != nil {
		log.Fatal(err)
	}

	p, err := plans.Decode(&file)
	if err != nil {
		log.Fatal(err)
	}
	ids, err := p.Select("hits.c")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := p.Approve(ids...); err != nil {
		log.Fatal(err)
	}
	files, err := p.Compose(module, ids)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(strings.TrimPrefix(string(files["hits.go"]), "package hits\n\n"))

	module["hits.go"].Data = append(module["hits.go"].Data, "// edited\n"...)
	_, err = p.Compose(module, ids)
	fmt.Println(err)
	// Output:
	// var count = NewCounts()
	//
	// func Add(k string) { count.Add(k, 1) }
	// the plan is out of date: hits.go changed since it was made: run `mapmigrate plan` again
}
