#!/bin/sh
# Lets others pass the directories above these paths, also behind symbolic links; prints those that it changed.
set -eu
for path; do
  for place in "$path" "$(realpath -- "$(dirname -- "$path")")/." "$(realpath -- "$path")"; do
    while [ "$place" != / ]; do
      place=$(dirname -- "$place")
      case $(stat --dereference --format=%A -- "$place") in
        *[xt]) ;;
        *)
          chmod o+x -- "$place"
          echo "$place"
          ;;
      esac
    done
  done
done
