// This file answers the go command's question which version of a vet tool this is.

package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mapmigrate/mapmigrate/detect"
)

// vetVersion is the answer to -V=full. The go command keeps what a vet tool found for as long
// as the package, the flags and this line are the same, and knows nothing of other files that
// the tool reads. So the line covers the bytes of the program, as unitchecker's does, and
// those of the configuration of the module in which the go command runs.
func vetVersion(dir string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if err := hashFile(h, self); err != nil {
		return "", err
	}
	if root, err := moduleRoot(dir); err == nil {
		fmt.Fprint(h, "\x00config\x00")
		if err := hashFile(h, filepath.Join(root, detect.ConfigFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return fmt.Sprintf("%s version devel comments-go-here buildID=%02x", self, h.Sum(nil)), nil
}

func hashFile(w io.Writer, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
