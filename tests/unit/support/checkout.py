"""Where the checkout is: benchmarks are not part of the installed collection that tests run against."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(os.environ.get("KINDLAB_CHECKOUT", Path(__file__).resolve().parents[3]))
