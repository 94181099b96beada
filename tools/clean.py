"""Lists what `make clean` removes, with sizes, and removes it with YES=1."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from paths import BUILD, CACHE


def size(path: Path) -> int:
    """Bytes below a path, without following symbolic links."""
    return sum(Path(folder, name).lstat().st_size for folder, _folders, names in os.walk(path) for name in names)


def mounted_below(path: Path) -> list[str]:
    """Mount points below a path, which an interrupted test may have left; nothing below them is removed."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if Path(point).is_relative_to(path)]


def main() -> None:
    paths = {
        BUILD: "installed collection, logs, reports",
        CACHE: "environments, images, downloads: slow to create again",
    }
    if os.environ.get("DATA") == "1":
        paths[Path(os.environ["KINDLAB_DATA"])] = "YOUR VOLUMES AND BACKUPS"
    present = {path: what for path, what in paths.items() if path.exists()}
    confirmed = os.environ.get("YES") == "1"
    for path, what in present.items():
        print(f"{'removing' if confirmed else 'would remove'} {size(path) / 1e6:8.1f} MB  {path}  ({what})", flush=True)
        if confirmed and mounted_below(path):
            sys.exit(f"cannot remove it while something is mounted there. Run: umount {' '.join(mounted_below(path))}")
        if confirmed:
            shutil.rmtree(path)
    if not present:
        print("nothing to remove")
    elif not confirmed:
        print("Run `make clean YES=1` to remove them (DATA=1: also volumes and backups), after `make teardown`.")


if __name__ == "__main__":
    main()
