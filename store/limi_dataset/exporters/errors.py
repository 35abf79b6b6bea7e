"""What can go wrong with an export."""

from __future__ import annotations


class ExportError(Exception):
    """An export could not be written; no part of it was left behind."""
