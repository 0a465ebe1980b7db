package racetest

import (
	"slices"
	"strings"
	"testing"
)

func TestLineMap(t *testing.T) {
	before := "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\n"
	after := strings.NewReplacer("a\n", "new\na\n", "c\n", "C1\nC2\n", "k\n", "", "n\n", "N\n").Replace(before)
	got := lineMap(before, after)
	for line, want := range map[int][]int{1: {2}, 2: {3}, 3: {4, 5}, 4: {6}, 10: {12}, 11: nil, 12: {13}, 14: {15}} {
		if !slices.Equal(got[line], want) {
			t.Errorf("line %d is now %v, want %v", line, got[line], want)
		}
	}
}
