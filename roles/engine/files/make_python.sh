#!/bin/sh
# Make a virtual environment with libraries, and publish it by a rename.
# usage: make_python.sh PYTHON TARGET WHEELS LIBRARY...   (WHEELS: a tar archive, or '' for the package index)
set -u
python=$1 target=$2 wheels=$3
shift 3
draft=$target.draft
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
libraries=$(printf " '%s'" "$@")
trap 'rm -rf "$draft" "$draft.log" "$draft.wheels"' EXIT

fail() { # MESSAGE
  echo "$1:"
  tail -n 8 "$draft.log"
  echo "Next: on a machine with Python $version and access to a package index, run"
  echo "  python$version -m pip download --dest wheels$libraries && tar -cf wheels.tar wheels"
  echo "and set kindlab_wheels to the path of wheels.tar on the controller; or set ansible_python_interpreter to a Python with these libraries."
  exit 1
}

install() {
  "$draft/bin/python" -m pip install --quiet --no-compile --disable-pip-version-check "$@" >> "$draft.log" 2>&1
}

rm -rf "$draft" "$draft.wheels"
"$python" -m venv "$draft" > "$draft.log" 2>&1 || fail "$python cannot make a virtual environment"
if [ -n "$wheels" ]; then
  mkdir "$draft.wheels"
  tar -xf "$wheels" -C "$draft.wheels" 2>> "$draft.log"
  found=$(find "$draft.wheels" -name '*.whl' | head -n 1)
  install --no-index --find-links "$(dirname "$found")" "$@" || fail "The wheels do not have the Python libraries of the modules"
  rm -f "$wheels"
else
  # An index that does not answer is told soon.
  install --retries 1 --timeout 10 "$@" || fail 'The Python libraries of the modules cannot be installed from the package index of this machine'
fi
# Compiled by its owner, because root imports from it too; kubernetes, most of it, only when it is imported.
"$draft/bin/python" -m compileall -q -x /kubernetes/ "$draft/lib" >> "$draft.log" 2>&1
rm -rf "$target"
mv "$draft" "$target"
