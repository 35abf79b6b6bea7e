"""The workstation: the only package that draws."""
