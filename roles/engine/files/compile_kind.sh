#!/bin/sh
# Compile kind from the Go module proxy, and install it by an atomic rename.
# usage: compile_kind.sh GO VERSION TARGET
set -u
go=$1 version=$2 target=$3
draft=$(mktemp -d "$target.XXXXXX") || exit 1
trap 'rm -rf "$draft"' EXIT
if ! GOBIN=$draft CGO_ENABLED=0 GOFLAGS=-buildvcs=false "$go" install -trimpath "sigs.k8s.io/kind@v$version" > "$draft/log" 2>&1; then
  echo "kind $version could not be compiled. Last lines of 'go install':"
  tail -n 15 "$draft/log"
  echo "Next step: check the module proxy ($("$go" env GOPROXY)), or install kind $version on the PATH, then run again."
  exit 1
fi
mv "$draft/kind" "$target"
