// This file defines what a plan says of findings that are not reported, and of comments and
// entries that do nothing.

package plans

// Who keeps a finding from being reported.
const (
	ByDirective = "directive" // a //mapmigrate:ignore in the source
	ByBaseline  = "baseline"  // an entry of the file that --baseline names
)

// A Suppressed is a finding that someone has accepted. It is no part of a site: nothing is
// planned for it. What is kept is enough to say so in a report.
type Suppressed struct {
	By         string `json:"by"` // ByDirective or ByBaseline
	Reason     string `json:"reason"`
	Pos        Pos    `json:"pos,omitzero"` // of the directive
	Site       string `json:"site"`         // the id that the map would have as a site
	Name       string `json:"name"`         // of the map, as a site's
	Package    string `json:"package"`
	Category   string `json:"category"`
	Confidence string `json:"confidence"`
	Message    string `json:"message"`
	At         Pos    `json:"at"` // the odd access, or the map's declaration
}

// A Warning is about something that has no effect, such as a directive that hides nothing.
// It asks nobody to migrate anything, so it does not count as something to act on.
type Warning struct {
	Code    string `json:"code"` // kebab-case
	Message string `json:"message"`
	Pos     Pos    `json:"pos,omitzero"`
}

// suppressed checks what Suppressed and Warnings hold.
func (v *validator) suppressed(p *Plan) {
	for i, s := range p.Suppressed {
		owner := "suppressed[" + s.Name + "]"
		if s.By != ByDirective && s.By != ByBaseline {
			v.errorf("suppressed[%d] is by %q, not by a directive or the baseline", i, s.By)
		}
		if s.Name == "" || !validID(s.Site) {
			v.errorf("suppressed[%d] has no name, or no site id", i)
		}
		if !isKebab(s.Category) {
			v.errorf("%s has the category %q, which is not a code", owner, s.Category)
		}
		if rank(s.Confidence) == 0 {
			v.errorf("%s has the unknown confidence %q", owner, s.Confidence)
		}
		v.pos(owner, s.Pos)
		v.pos(owner, s.At)
	}
	for i, w := range p.Warnings {
		if !isKebab(w.Code) || w.Message == "" {
			v.errorf("warnings[%d] has the code %q, or no message", i, w.Code)
		}
		v.pos("warning "+w.Code, w.Pos)
	}
}
