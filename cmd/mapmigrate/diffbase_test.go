package main

import (
	"reflect"
	"testing"
)

func TestParseDiff(t *testing.T) {
	got, err := parseDiff(`diff --git a/a.go b/a.go
--- a/a.go
+++ b/a.go
@@ -3 +3,2 @@ func F()
-x
+x
+y
@@ -9,2 +10,0 @@
-mu.Lock()
-++ b/fake.go
@@ -20,0 +20,2 @@
+	s := ` + "`" + `
+++ b/fake.go
diff --git a/gone.go b/gone.go
--- a/gone.go
+++ /dev/null
@@ -1,2 +0,0 @@
-package a
-
diff --git a/with space.go b/with space.go
--- "a/tab\tname.go"
+++ "b/tab\tname.go"
@@ -0,0 +1 @@
+package a
`)
	want := map[string][]lineRange{
		"a.go":         {{3, 4, false}, {10, 11, true}, {20, 21, false}},
		"/dev/null":    {{0, 1, false}},
		"tab\tname.go": {{1, 1, false}},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	if _, err := parseDiff("+++ b/a.go\n@@ broken @@\n"); err == nil {
		t.Error("a broken hunk is accepted")
	}
}
