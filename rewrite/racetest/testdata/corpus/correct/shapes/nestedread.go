package shapes

var grid = map[string]map[string]int{"a": {"b": 1}}

// Cell only reads.
func Cell(x, y string) int { return grid[x][y] }

// Cells reads from goroutines.
func Cells(keys []string) {
	for _, k := range keys {
		go Cell("a", k)
	}
}
