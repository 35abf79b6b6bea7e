"""How the shell inside the workstation finds `limi`: the directory of this program, last on its PATH."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

PROGRAM = "limi"


def environ_with_limi(environ: Mapping[str, str], *, program_directory: Path | None = None) -> dict[str, str]:
    """The environment, with PATH extended where `limi` would not be found; what was found before is found as before.

    Args:
        environ: that the shell's is made from.
        program_directory: where `limi` lies; None: beside this Python.
    """
    directory = program_directory or Path(sys.executable).parent
    path = environ.get("PATH", os.defpath)
    if shutil.which(PROGRAM, path=path) is not None or shutil.which(PROGRAM, path=str(directory)) is None:
        return dict(environ)
    return {**environ, "PATH": f"{path}{os.pathsep}{directory}"}
