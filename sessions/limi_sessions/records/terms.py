"""Closed sets of words that records share."""

from __future__ import annotations

from typing import Literal

SessionStatus = Literal["done", "failed", "limit", "interrupted", "shell_lost"]
ApprovalMode = Literal["ask", "yolo"]
ShellName = Literal["bash", "zsh", "fish"]
ProfileName = Literal["limi", "bash-only", "none"]
ToolStatus = Literal[
    "done", "running", "needs_input", "needs_password", "interrupted", "denied", "taken_over", "shell_lost", "error"
]
LeaseOwner = Literal["human", "agent", "free"]
