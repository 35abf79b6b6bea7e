"""A directory that a sandbox does not replace by one of its own, as it does with /tmp and /var/tmp."""

from __future__ import annotations

import os
import pwd
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def directory_outside_tmp() -> Iterator[Path]:
    """A new directory of this user; where there is no place for one, the test is skipped."""
    for place in (Path.home(), Path(pwd.getpwuid(os.getuid()).pw_dir), Path.cwd()):
        real = place.resolve()
        replaced = any(real.is_relative_to(tmp) for tmp in ("/tmp", "/var/tmp"))
        if real.is_dir() and os.access(real, os.W_OK) and not replaced:
            with tempfile.TemporaryDirectory(prefix=".limi-test-", dir=real) as made:
                yield Path(made)
            return
    pytest.skip("neither the home nor the working directory lies outside of /tmp and can be written")
