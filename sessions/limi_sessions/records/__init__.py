"""Frozen values of a session, one module a family."""
