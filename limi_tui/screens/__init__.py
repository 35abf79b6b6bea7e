"""Screens, each one module and one stylesheet of the same stem."""
