// This file brings the module's configuration into a run.

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mapmigrate/mapmigrate/advise"
	"github.com/mapmigrate/mapmigrate/detect"
)

// configure reads the configuration, gives the flags that were not set the defaults that it
// has for them, and checks all. A mistake in the file is a usage error: its writer can mend it.
func (f *planFlags) configure(cmd *cobra.Command, dir string) error {
	set, err := f.readSettings(dir)
	if err != nil {
		return err
	}
	f.settings = set
	accepted := map[string][]string{
		"strategy":       advise.Strategies(),
		"scope":          {scopeFindings, scopeNested, scopeAll},
		"min-confidence": confidences,
		"runtime":        runtimes,
		"tests":          {"true", "false"},
	}
	names := slices.SortedFunc(maps.Keys(set.Plan), func(a, b string) int { return set.Plan[a].Line - set.Plan[b].Line })
	for _, name := range names {
		s := set.Plan[name]
		if words := accepted[name]; words != nil && !slices.Contains(words, s.Value) {
			return usagef("%s:%d: unknown plan.%s %q: use %s", set.File, s.Line, name, s.Value, strings.Join(words, ", "))
		}
		flag := cmd.Flags().Lookup(name)
		if flag.Changed {
			continue
		}
		// Not cmd.Flags().Set: whether the user named a strategy decides what apply does.
		if err := flag.Value.Set(s.Value); err != nil {
			return usagef("%s:%d: plan.%s: %v", set.File, s.Line, name, err)
		}
	}
	return f.check()
}

// readSettings reads the file that --config names, which must be there, or the module's.
func (f *planFlags) readSettings(dir string) (*detect.Settings, error) {
	var set *detect.Settings
	var err error
	if f.config != "" {
		set, err = detect.ReadSettings(f.config)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usagef("there is no configuration file %s (--config)", f.config)
		}
	} else {
		set, err = detect.FindSettings(dir)
	}
	var bad *detect.ConfigError
	if errors.As(err, &bad) {
		short := *bad
		short.File = f.configName(short.File)
		return nil, usagef("%s", short.Error())
	}
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	set.File = f.configName(set.File)
	return set, nil
}

// configName is how messages call a configuration file: as the user does.
func (f *planFlags) configName(file string) string {
	if f.config != "" {
		return f.config
	}
	return filepath.Base(file)
}

// knowledge is what the configuration adds to the table, nil if nothing.
func (f *planFlags) knowledge() *detect.Knowledge {
	if f.settings == nil {
		return nil
	}
	return f.settings.Knowledge
}

// ignores reports whether the configuration leaves the maps of a file out.
func (f *planFlags) ignores(dir, file string) bool {
	rel, err := filepath.Rel(dir, file)
	return err == nil && f.settings.Ignores(filepath.ToSlash(rel))
}

// writeConfigHelp documents the configuration file, for `mapmigrate explain config`.
func writeConfigHelp(w io.Writer) {
	fmt.Fprintf(w, `config: %s in the root of a module says what mapmigrate cannot know

	knowledge:                    # what functions of other modules do
	  spawners:
	    - (*example.com/pool.Pool).Submit
	  readers:
	    - example.com/log.Fields
	ignore:                       # maps declared there are not reported
	  - third_party/**
	plan:                         # defaults of flags; a flag on the command line wins
	  min-confidence: high

Functions are written path/to/pkg.Func, (path/to/pkg.Type).Method or
(*path/to/pkg.Type).Method, without type arguments. Methods of interfaces and functions of
the module itself cannot be described: calls of the latter are followed. Unknown keys are
errors. --config FILE reads another file.

`, detect.ConfigFile)
	for _, k := range detect.ConfigKeys() {
		fmt.Fprintf(w, "%s\n    %s\n", k.Name, k.Doc)
	}
}
