// This file keeps whole plans between runs.

package main

import (
	"bytes"
	"fmt"

	"github.com/mapmigrate/mapmigrate/detect"
	"github.com/mapmigrate/mapmigrate/plans"
)

// A planCache keeps the plan of one question: this program, these sources and
// dependencies, these flags. Asked again, nothing has to be loaded.
type planCache struct {
	cache *detect.Cache
	key   detect.Key // "": the answer depends on more than can be told
	hash  func() detect.Key
}

// newPlanCache finds the key of the plan for an opened program. With evidence there is
// none: a profile is large, and the standard input is read once. Nor is there one for a run
// that updates the baseline, which is not done by repeating an answer.
func newPlanCache(prog *detect.Program, f *planFlags, withTests bool) *planCache {
	c := &planCache{cache: detect.OpenCache()}
	if c.cache == nil || len(f.evidence) > 0 || f.updateBaseline {
		return c
	}
	flags := *f
	flags.settings, flags.accepted = nil, nil // read from files, which are added
	c.hash = func() detect.Key {
		h := c.cache.NewHasher("plan")
		h.Add(toolVersion(), fmt.Sprintf("%+v", flags), fmt.Sprint(withTests), plans.RepoPrefix(prog.Dir))
		for _, name := range []string{f.config, f.baseline} {
			if name == "" {
				continue
			}
			if err := h.AddFile(name); err != nil {
				return ""
			}
		}
		if err := prog.AddProgram(h); err != nil {
			return "" // a file that cannot be read: loading will say so
		}
		return h.Key()
	}
	c.key = c.hash()
	return c
}

// get returns the kept plan, or nil.
func (c *planCache) get() *plans.Plan {
	if c.key == "" {
		return nil
	}
	data, ok := c.cache.Get(c.key)
	if !ok {
		return nil
	}
	p, err := plans.Decode(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	return p
}

// put keeps a plan, unless a file has changed since the run began: then nobody knows
// which of the two versions the plan is of.
func (c *planCache) put(p *plans.Plan) {
	var b bytes.Buffer
	if c.key == "" || c.hash() != c.key || plans.Encode(&b, p) != nil {
		return
	}
	c.cache.Put(c.key, b.Bytes())
}
