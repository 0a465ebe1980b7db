// This file measures the vet tool: what it spends on whose packages, and how large its
// facts are.

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// This program stands between the go command and the vet tool when these are set.
const (
	toolEnv = "MAPMIGRATE_SPEED_TOOL" // the vet tool
	logEnv  = "MAPMIGRATE_SPEED_LOG"  // where each call is noted
)

// A call is one package under vet.
type call struct {
	Path  string
	Own   bool // of the module that is vetted
	Facts int64
	CPU   time.Duration
}

// vetUnit runs the vet tool and notes what it took.
func vetUnit(tool string, args []string) int {
	cmd := exec.Command(tool, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if len(args) > 0 && strings.HasSuffix(args[len(args)-1], ".cfg") {
		if err := note(args[len(args)-1], cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return cmd.ProcessState.ExitCode()
}

func note(config string, cpu time.Duration) error {
	data, err := os.ReadFile(config)
	if err != nil {
		return err
	}
	var cfg struct {
		ID, ImportPath, VetxOutput, ModulePath, ModuleVersion string
		Standard                                              map[string]bool
	}
	if err := json.Unmarshal(data, &cfg); err != nil {
		return err
	}
	c := call{Path: cfg.ID, Own: cfg.ModulePath != "" && cfg.ModuleVersion == "" && !cfg.Standard[cfg.ImportPath], CPU: cpu}
	if fi, err := os.Stat(cfg.VetxOutput); err == nil {
		c.Facts = fi.Size()
	}
	line, err := json.Marshal(c)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(os.Getenv(logEnv), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(append(line, '\n'))
	return err
}

// facts runs the tool under go vet and prints what it spends, and the size of its facts as
// the go command keeps them: those of a package and of all that it imports.
func (b *bench) facts(dir string, c caches, name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log := filepath.Join(b.tmp, "calls")
	os.Remove(log)
	for env, value := range map[string]string{toolEnv: b.tool, logEnv: log} {
		if err := os.Setenv(env, value); err != nil {
			return err
		}
		defer os.Unsetenv(env)
	}
	k, err := b.measure(dir, c, "go", "vet", "-vettool="+self, "./...")
	if err != nil {
		return err
	}
	f, err := os.Open(log)
	if err != nil {
		return err
	}
	defer f.Close()
	var own, others []call
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var c call
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			return err
		}
		if c.Own {
			own = append(own, c)
		} else {
			others = append(others, c)
		}
	}
	t := table{w: b.w}
	t.add(name+": go vet -vettool", "calls", "CPU (user and system) a call, median", "in all", "fact bytes, median", "largest", "in all")
	for _, g := range []struct {
		what  string
		calls []call
	}{{"own packages and test variants", own}, {"packages of others", others}} {
		if len(g.calls) == 0 {
			continue
		}
		var cpu time.Duration
		var bytes int64
		for _, c := range g.calls {
			cpu += c.CPU
			bytes += c.Facts
		}
		byCPU := slices.SortedFunc(slices.Values(g.calls), func(x, y call) int { return int(x.CPU - y.CPU) })
		bySize := slices.SortedFunc(slices.Values(g.calls), func(x, y call) int { return int(x.Facts - y.Facts) })
		mid, last := len(g.calls)/2, len(g.calls)-1
		t.add(g.what, fmt.Sprint(len(g.calls)), fmt.Sprintf("%d ms", byCPU[mid].CPU.Milliseconds()), seconds(cpu),
			fmt.Sprint(bySize[mid].Facts), fmt.Sprint(bySize[last].Facts), fmt.Sprint(bytes))
	}
	t.add("all, with the go command", "", "", seconds(k.cpu)+" user", "", "", "")
	t.end()
	return nil
}
