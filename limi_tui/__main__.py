"""``python -m limi_tui``: the same program as ``limi``."""

from __future__ import annotations

import sys

from limi_tui.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
