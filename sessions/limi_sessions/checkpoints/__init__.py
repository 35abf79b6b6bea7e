"""Checkpoints: every state of a session's workspace, kept in a git repository of the session's own."""

from limi_sessions.checkpoints.checkpoints import Checkpoints
from limi_sessions.checkpoints.state import (
    Checkpoint,
    CheckpointError,
    CheckpointId,
    CheckpointLimits,
    FileChange,
    Restored,
)

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "CheckpointId",
    "CheckpointLimits",
    "Checkpoints",
    "FileChange",
    "Restored",
]
