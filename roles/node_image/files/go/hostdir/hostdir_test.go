package hostdir

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func open(t *testing.T) Root {
	t.Helper()
	root, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func write(t *testing.T, path string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("data"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func TestRootsThatCannotHoldVolumes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file)
	for _, path := range []string{"", "relative", "/", "//", "/tmp/..", file, file + "/below", "/no/such/place"} {
		if root, err := Open(path); err == nil {
			t.Errorf("%q was opened as %q", path, root)
		}
	}
}

func TestNamesEndWithTheVolume(t *testing.T) {
	volume := "pvc-" + strings.Repeat("0", 36)
	for _, claim := range []string{"data", "data.0", strings.Repeat("c", 253), strings.Repeat("c.", 126)} {
		name := Name("default", claim, volume)
		if !strings.HasPrefix(name, "default-"+claim[:4]) || !strings.HasSuffix(name, "-"+volume) || len(name) > 255 {
			t.Errorf("%d bytes: %s", len(name), name)
		}
		if path, err := open(t).Make(name); err != nil {
			t.Errorf("%s can't be made: %v", path, err)
		}
	}
}

func TestEverybodyMayWriteWhateverTheMask(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	root := open(t)
	for range 2 { // the second time it is there already
		path, err := root.Make("a")
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o777 {
			t.Errorf("%v: %v", info.Mode(), err)
		}
	}
}

func TestNamesThatLeadOut(t *testing.T) {
	root := open(t)
	beside := filepath.Join(filepath.Dir(string(root)), "beside")
	if err := os.Mkdir(beside, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", ".", "..", "../beside", "a/../../beside", "a/b", "/", beside, "a\x00b"} {
		if _, err := root.Make(name); err == nil {
			t.Errorf("%q was made", name)
		}
		if err := root.Remove(name); err == nil {
			t.Errorf("%q was removed", name)
		}
	}
	if !there(beside) || !there(string(root)) {
		t.Error("something outside is gone")
	}
}

func TestRemovesOneWithAllThatIsInItAndNothingElse(t *testing.T) {
	root := open(t)
	outside := t.TempDir()
	write(t, filepath.Join(outside, "file"))
	for _, name := range []string{"a", "ab"} {
		path, err := root.Make(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(path, "one/two"), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(path, "one/two/file"))
		if err := os.Symlink(outside, filepath.Join(path, "link")); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time there is none
		if err := root.Remove("a"); err != nil {
			t.Fatal(err)
		}
	}
	if there(filepath.Join(string(root), "a")) {
		t.Error("it is still there")
	}
	if !there(filepath.Join(string(root), "ab/one/two/file")) || !there(filepath.Join(outside, "file")) {
		t.Error("something else is gone")
	}
}

func TestWhatTookItsPlaceStays(t *testing.T) {
	root := open(t)
	outside := t.TempDir()
	link, file := filepath.Join(string(root), "link"), filepath.Join(string(root), "file")
	write(t, filepath.Join(outside, "file"))
	write(t, file)
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "file"} {
		if _, err := root.Make(name); err == nil {
			t.Errorf("%s was taken for a directory", name)
		}
		if err := root.Remove(name); err == nil {
			t.Errorf("%s was removed", name)
		}
	}
	if !there(link) || !there(file) || !there(filepath.Join(outside, "file")) {
		t.Error("something is gone")
	}
}
