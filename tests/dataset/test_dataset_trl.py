from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from dataset_scenes import EDITED, RETRIED
from test_dataset_limi import WHOLE

from limi_dataset.exporters.limi import limi_rows
from limi_dataset.exporters.manifest import write_export
from limi_dataset.exporters.preference import preference_rows
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


PREPARE = """
import os, sys
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = sys.argv[2]
from datasets import load_dataset
from tokenizers import Tokenizer, models, pre_tokenizers, decoders
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import DPOConfig, DPOTrainer
from trl.data_utils import is_conversational, maybe_extract_prompt

rows = load_dataset("json", data_files=sys.argv[1], split="train")
calls = []
for row in rows:
    assert all(is_conversational({key: row[key]}) for key in ("prompt", "chosen", "rejected")), row
    assert maybe_extract_prompt(row) is row
    for side in ("chosen", "rejected"):
        for message in row[side]:
            calls += [call["function"]["arguments"] for call in message.get("tool_calls") or ()]
assert calls and not [call for call in calls if isinstance(call, dict) and None in call.values()], calls
assert "None" not in str([row["tools"] for row in rows]), rows[0]["tools"]

letters = sorted(pre_tokenizers.ByteLevel.alphabet())
vocabulary = {letter: number for number, letter in enumerate(["<eos>", "<pad>", *letters])}
core = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
core.pre_tokenizer, core.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, eos_token="<eos>", pad_token="<pad>")
tokenizer.chat_template = (
    "{% if tools %}{{ tools | tojson }}\\n{% endif %}{% for m in messages %}{{ m.role }}: {{ m.content }}"
    "{% for c in m.tool_calls or [] %}{{ c.function.name }}({{ c.function.arguments | tojson }}){% endfor %}<eos>"
    "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)
config = Qwen2Config(
    vocab_size=len(vocabulary), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
    num_key_value_heads=2, max_position_embeddings=4096, eos_token_id=0, pad_token_id=1,
)
trainer = DPOTrainer(
    model=Qwen2ForCausalLM(config),
    ref_model=Qwen2ForCausalLM(config),
    args=DPOConfig(
        output_dir=sys.argv[2], report_to="none", use_cpu=True, max_steps=1, max_length=None, bf16=False,
        per_device_train_batch_size=2, save_strategy="no", disable_tqdm=True, gradient_checkpointing=False,
    ),
    train_dataset=rows,
    processing_class=tokenizer,
)
for prepared in trainer.train_dataset:
    chosen, rejected = (tokenizer.decode(prepared[key]) for key in ("chosen_ids", "rejected_ids"))
    assert chosen != rejected and chosen and rejected, (chosen, rejected)
    assert tokenizer.decode(prepared["prompt_ids"]).endswith("assistant: ")
print(tokenizer.decode(trainer.train_dataset[0]["chosen_ids"]))
loss = trainer.train().training_loss
assert 0 < loss < 10, loss
print("prepared", len(rows))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "whole"), [("object", True), ("string", False)])
def test_dpo_trains_on_the_pairs_and_no_argument_becomes_null(
    tmp_path: Path, arguments: ArgumentForm, whole: bool
) -> None:
    pytest.importorskip("trl", reason="the train extra is not installed")
    target = tmp_path / "pairs.jsonl"
    result = preference_rows([EDITED, RETRIED], arguments=arguments, whole=whole)
    write_export(result, "preference", target)
    shown = subprocess.run(
        [sys.executable, "-P", "-c", PREPARE, str(target), str(tmp_path / "cache")], capture_output=True, text=True
    )
    assert shown.stdout.endswith("prepared 2\n"), shown.stderr[-3000:]
    if arguments == "object":
        assert 'I clean.run_shell_command({"command": "rm -rf build/tmp"})' in shown.stdout
        assert 'read_file({"file_path": "a.py", "start_line": 3})' in shown.stdout
