from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from test_dataset_limi import WHOLE

from limi_dataset.exporters.limi import limi_rows
from limi_dataset.exporters.manifest import write_export
from limi_dataset.exporters.result import ArgumentForm, ExportFormat

ACCEPT = """
import os, sys
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = sys.argv[2]
from datasets import load_dataset
from trl.data_utils import is_conversational
rows = load_dataset("json", data_files=sys.argv[1], split="train")
row = rows[0]
assert is_conversational(row), row
assert row["messages"][-1]["content"] == "It is mended."
assert [m["role"] for m in row["messages"]].count("assistant") == 2
assert row["tools"][0]["function"]["name"] == "read_file"
print("accepted", len(rows))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("name", "arguments"), [("limi", "object"), ("trl", "string")])
def test_trl_takes_the_file_as_conversations(tmp_path: Path, name: ExportFormat, arguments: ArgumentForm) -> None:
    pytest.importorskip("trl", reason="the train extra is not installed")
    target = tmp_path / f"out.{name}.json"
    write_export(limi_rows([WHOLE], arguments=arguments), name, target)
    shown = subprocess.run(
        [sys.executable, "-P", "-c", ACCEPT, str(target), str(tmp_path / "cache")], capture_output=True, text=True
    )
    assert shown.stdout.endswith("accepted 1\n"), shown.stderr[-2000:]
