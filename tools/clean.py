"""Says what `make clean` would remove, with sizes, and removes it when it is told YES=1."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from paths import BUILD, CACHE


def size(path: Path) -> int:
    """Bytes below a path, links not followed."""
    return sum(Path(folder, name).lstat().st_size for folder, _folders, names in os.walk(path) for name in names)


def mounted_below(path: Path) -> list[str]:
    """Mount points there: what was interrupted may have left one, and what is mounted is not ours to remove."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if Path(point).is_relative_to(path)]


def main() -> None:
    paths = {BUILD: "installed collection, logs, proofs", CACHE: "environments, images, downloads: slow to make again"}
    if os.environ.get("DATA") == "1":
        paths[Path(os.environ["KINDLAB_DATA"])] = "YOUR VOLUMES AND BACKUPS"
    present = {path: what for path, what in paths.items() if path.exists()}
    sure = os.environ.get("YES") == "1"
    for path, what in present.items():
        print(f"{'removing' if sure else 'would remove'} {size(path) / 1e6:8.1f} MB  {path}  ({what})", flush=True)
        if sure and mounted_below(path):
            sys.exit(f"not removed, unmount first: {' '.join(mounted_below(path))}")
        if sure:
            shutil.rmtree(path)
    if not present:
        print("nothing to remove")
    elif not sure:
        print("make clean YES=1 removes it; DATA=1 adds volumes and backups. Clusters: make teardown first.")


if __name__ == "__main__":
    main()
