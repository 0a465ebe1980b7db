// Command mapmigrate finds maps that goroutines share without a consistent guard and
// turns them into concurrent maps: it shows why, plans a reviewable rewrite, applies
// it, takes it back, and proves it with race tests.
//
//	mapmigrate plan ./...       what is shared, why, and the diff that cures it
//	mapmigrate review           approve or reject, site by site
//	mapmigrate apply            write what is approved
//	mapmigrate verify           race tests on the old and the new code
//	mapmigrate undo             restore the bytes
//
// It is also a vet tool: go vet -vettool=$(which mapmigrate) ./...
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/tools/go/analysis/unitchecker"

	"github.com/mapmigrate/mapmigrate/detect"
)

func main() {
	if isVet(os.Args[1:]) {
		if os.Args[1] == "-V=full" {
			line, err := vetVersion(".")
			if err != nil {
				fmt.Fprintf(os.Stderr, "mapmigrate: %v\n", err)
				os.Exit(exitFailed)
			}
			fmt.Println(line)
			os.Exit(exitDone)
		}
		if strings.HasSuffix(os.Args[len(os.Args)-1], ".cfg") {
			tuneMemory()
			if code, ok := detect.VetUnit(os.Args[1:], os.Stderr); ok {
				os.Exit(code)
			}
		}
		unitchecker.Main(detect.Analyzer) // does not return
	}
	tuneMemory()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// isVet reports whether the go command calls us as its vet tool: to ask for the
// version or the flags, or to check the package that a .cfg file describes.
func isVet(args []string) bool {
	if len(args) == 0 {
		return false
	}
	last := args[len(args)-1]
	return strings.HasPrefix(args[0], "-V=") || args[0] == "-flags" || strings.HasSuffix(last, ".cfg")
}

// run executes one command line and returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &env{stdin: stdin, stdout: stdout, stderr: stderr}
	defer e.reportPanic(&code)
	root := newRoot(e)
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	return e.exitCode(cmd, err)
}
