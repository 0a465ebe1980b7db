package confined

import "strings"

// A Parser is used by one goroutine: nothing here shares it.
type Parser struct{ vars map[string]string }

// NewParser returns a parser.
func NewParser() *Parser { return &Parser{vars: map[string]string{}} }

// Line reads "name=value".
func (p *Parser) Line(s string) {
	if k, v, ok := strings.Cut(s, "="); ok {
		p.vars[k] = v
	}
}

// Value returns a variable.
func (p *Parser) Value(k string) string { return p.vars[k] }
