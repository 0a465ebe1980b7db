// This file words what keeps a finding from being surer.

package detect

import "fmt"

// doubt says what keeps a conflict from high confidence, "" where it has that, or where only figures
// do (how many accesses hold the guard). It asks what confidence asks, the weightiest first.
func (j *judgement) doubt(v *verdict) string {
	if v.conf.Rank() >= High.Rank() {
		return ""
	}
	for _, o := range []*occurrence{v.a, v.b} {
		name := o.at.info.Name
		switch {
		case j.guard != "" && o == v.a && j.evidenceFor(o, o.held, o.may, j.guard) == maybeHeld:
			return fmt.Sprintf("whether %s holds %s there depends on the way, or on what is not followed", name, j.guardName())
		case j.construction(o):
			return fmt.Sprintf("the way to %s looks like construction, when nobody else has the object yet", name)
		case generatedAPI(o):
			return fmt.Sprintf("%s is generated, and nothing in the module calls it", name)
		case o.ctx == nil:
			return fmt.Sprintf("how a goroutine comes to %s was not found", name)
		case callback(o):
			return fmt.Sprintf("the way to %s is a callback: when it is called, and beside what, is not known", name)
		case lent(o) && j.sometimesHeld(o):
			return fmt.Sprintf("%s uses an object that somebody gave it, who may let no one else have it", name)
		}
	}
	if j.apart(v.a) && v.id < 2 {
		return fmt.Sprintf("who calls %s may have an object of their own, not one that %s guards", v.a.at.info.Name, j.guardName())
	}
	if v.cat != EscapeCat && !content(v.a) && !content(v.b) {
		return "the variable is only set to another map: no entry is changed while somebody looks"
	}
	for _, o := range []*occurrence{v.a, v.b} {
		switch {
		case lifecycle(o):
			return fmt.Sprintf("the way to %s sounds like start-up or shutdown, when it may be alone", o.at.info.Name)
		case o.dyn:
			return fmt.Sprintf("a call on the way to %s is of an interface or a function value, and may lead elsewhere", o.at.info.Name)
		}
	}
	if v.cat == CheckThenAct && v.a.acc.Step.Kind == stepOther {
		return "what is changed may not depend on what was looked at"
	}
	switch {
	case v.id < 2 && v.strength < 2:
		return "nothing shows for certain that the two can run at once, and on the same object"
	case v.id < 2:
		return "nothing shows for certain that the two use the same object"
	case v.strength < 2:
		return "nothing shows for certain that the two can run at once"
	}
	return ""
}
