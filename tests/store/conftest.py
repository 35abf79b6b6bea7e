from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from limi_sessions.paths import Home
from limi_store import StorePort, open_store


@pytest.fixture
def home(tmp_path: Path) -> Home:
    place = Home(tmp_path / "home")
    place.make()
    return place


@pytest.fixture
def store(home: Home) -> Iterator[StorePort]:
    opened = open_store(home)
    yield opened
    opened.close()
