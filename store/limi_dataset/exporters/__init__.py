"""Exporters of message formats, one module a format."""
