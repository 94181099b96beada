// Package hostdir makes and removes directories of volumes, each directly below one root and never anything else.
package hostdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

const (
	// The longest name that Linux's file systems take, in bytes.
	longest = 255
	// Everybody's: pods run as any user, and the directory is made before it is known which.
	mode = 0o777
)

// Root is the directory that the volumes' directories lie in.
type Root string

// Open checks that the directory is there.
func Open(path string) (Root, error) {
	if !filepath.IsAbs(path) || filepath.Clean(path) == "/" {
		return "", fmt.Errorf("%q can't hold volumes: name a directory by its absolute path", path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is not a directory", path)
	}
	return Root(filepath.Clean(path)), nil
}

// Name is what a volume's directory is called. The volume's name ends it whole, as it alone makes it unique; what is
// too long for a file system is taken from the claim's.
func Name(namespace, claim, volume string) string {
	words := namespace + "-" + claim
	if room := longest - len(volume) - 1; len(words) > room {
		words = strings.TrimRight(words[:room], "-.")
	}
	return words + "-" + volume
}

// Path is where the directory of that name lies, or an error where the name would lead out of the root.
func (r Root) Path(name string) (string, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00") {
		return "", fmt.Errorf("%q is not the name of a directory in %s", name, r)
	}
	return filepath.Join(string(r), name), nil
}

// Make has the directory, writable for everybody; one that an interrupted try has left is taken up.
func (r Root) Make(name string) (string, error) {
	path, err := r.Path(name)
	if err != nil {
		return "", err
	}
	if err := os.Mkdir(path, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", err
	}
	if err := isDirectory(path); err != nil {
		return "", err
	}
	return path, os.Chmod(path, mode) // the umask took some bits away
}

// Remove removes the directory with all that is in it; links in it are removed, not followed. It is no error where
// there is none any more.
func (r Root) Remove(name string) error {
	path, err := r.Path(name)
	if err != nil {
		return err
	}
	if err := isDirectory(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	return os.RemoveAll(path)
}

func isDirectory(path string) error {
	info, err := os.Lstat(path)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory: somebody has put something else in its place", path)
	}
	return err
}
