// Correct shape: an exported parser keeps maps without a lock, another package makes one per goroutine (go/parser, sql parsers)
package parse

// A Parser parses one source at a time. It is not safe for concurrent use.
type Parser struct {
	symbols map[string]int
	errs    []string
}

// New returns a parser.
func New() *Parser { return &Parser{symbols: map[string]int{}} }

// Parse reads words and returns how many are new.
func (p *Parser) Parse(words []string) (n int) {
	for _, w := range words {
		if p.define(w) {
			n++
		}
	}
	return n
}

func (p *Parser) define(w string) bool {
	if w == "" {
		p.errs = append(p.errs, "empty word")
		return false
	}
	p.symbols[w]++
	return p.symbols[w] == 1
}

// Symbols returns the table.
func (p *Parser) Symbols() map[string]int { return p.symbols }
