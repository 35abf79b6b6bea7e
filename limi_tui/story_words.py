"""How a session's story words what happened to its settings, its workspace and its branches."""

from __future__ import annotations

from limi_sessions.records.payload import Rewound, SettingsChanged, WorkspaceRestored, WorkspaceSnapshotTaken

_MOST_NAMED = 5


def snapshot_words(taken: WorkspaceSnapshotTaken) -> str:
    """What of the workspace is not kept; empty when nothing is worth saying."""
    if taken.skipped:
        return f"the workspace is not kept, so /undo cannot bring files back: {taken.skipped}"
    lost = [*taken.left_out, *(f"{name}: it holds a secret" for name in taken.withheld)]
    if taken.cause != "start" or not lost:
        return ""
    more = f" and {len(lost) - _MOST_NAMED} more" if len(lost) > _MOST_NAMED else ""
    return f"not kept with the workspace: {', '.join(lost[:_MOST_NAMED])}{more}"


def restored_words(restored: WorkspaceRestored) -> str:
    """Which files were brought back, and which could not be."""
    did = {"undo": "undone", "redo": "done again", "rewind": "brought back"}[restored.cause]
    files = "1 file" if restored.changed == 1 else f"{restored.changed} files"
    named = ", ".join(restored.paths[:_MOST_NAMED]) + (" ..." if restored.changed > _MOST_NAMED else "")
    problems = "".join(f"\nnot brought back: {problem}" for problem in restored.problems)
    return f"workspace {did}: {files}{f' ({named})' if named else ''}{problems}"


def rewound_words(rewound: Rewound) -> str:
    """Where the conversation went back to, and what is kept of the rest."""
    again = "; the agent is asked again" if rewound.retry else ""
    return (
        f"rewound to turn {rewound.to_turn - 1}: branch {rewound.branch} begins, "
        f"{rewound.from_branch} is kept ({rewound.from_turn} turns){again}"
    )


def settings_words(changed: SettingsChanged) -> str:
    """What was changed."""
    words: list[str] = []
    if changed.model is not None:
        words.append(f"model {changed.model}{' (DEMO)' if changed.demo else ''}")
    if changed.mode is not None:
        words.append(f"mode {changed.mode}")
    if changed.sampling is not None:
        given = changed.sampling.model_dump(exclude_none=True)
        words.append("sampling " + (", ".join(f"{k} {v}" for k, v in given.items()) or "the provider's default"))
    if changed.allowed_host is not None:
        words.append(f"network allowed to {changed.allowed_host}")
    return "changed: " + ", ".join(words)
