"""Why a tool did not do what it was asked: the one error family of tools."""

from __future__ import annotations


class ToolRefused(Exception):
    """A call cannot be done as asked; the message tells the model what was attempted, on what, and what to do."""


class PathRefused(ToolRefused):
    """A path leads out of the workspace, or to something that is no regular file or directory."""
