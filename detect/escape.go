// This file finds maps that leave the critical section that guards them.

package detect

// escapes finds maps that leave a critical section by return (rule G4).
func (j *judgement) escapes(best map[Category]*verdict, muts []*occurrence, ratio float64) {
	if j.guard == "" || j.held == 0 {
		j.escapesUnguarded(best, muts)
		return
	}
	for _, u := range j.uses {
		if !u.acc.Sent && (!u.acc.Return || !exportedName(u.at.info.Name) && !u.at.info.Exported) {
			continue
		}
		for _, o := range u.live {
			if j.evidenceFor(o, o.held, nil, j.guard) < heldRead && j.evidenceFor(o, o.loadHeld, nil, j.guard) < heldRead {
				continue
			}
			for _, b := range muts {
				if !content(b) || j.overlap(o, b) == 0 || b.inner != o.inner {
					continue
				}
				if eb := j.evidenceFor(b, b.held, b.may, j.guard); eb < held {
					continue
				}
				v := &verdict{pair: pair{o, b, j.overlap(o, b), 1}, cat: EscapeCat, conf: Medium}
				if ratio < 0.5 || j.held < 2 {
					v.conf = Low
				}
				j.noteOdd(v)
				j.noteLacking(v)
				if old := best[EscapeCat]; old == nil || v.better(old) {
					best[EscapeCat] = v
				}
			}
		}
	}
}

// escapesUnguarded finds getters that return a map which goroutines fill under a lock of their
// own, which no reader can take.
func (j *judgement) escapesUnguarded(best map[Category]*verdict, muts []*occurrence) {
	for _, v := range best {
		if v.conf.Rank() >= Medium.Rank() {
			return // the conflict itself says more
		}
	}
	for _, u := range j.uses {
		if !u.acc.Return || !exportedName(u.at.info.Name) {
			continue
		}
		for _, o := range distinct(u.live) {
			for _, b := range muts {
				if !content(b) || len(b.held) == 0 || len(o.held) > 0 || b.ctx == nil || !strong(b.ctx.kind) || b.inner != o.inner || j.construction(b) {
					continue
				}
				if s, id := j.overlap(o, b), j.sameObject(o, b); s > 0 && id > 0 {
					v := &verdict{pair: pair{o, b, s, id}, cat: EscapeCat, conf: Medium}
					if old := best[EscapeCat]; old == nil || v.better(old) {
						best[EscapeCat] = v
					}
				}
			}
		}
	}
}
