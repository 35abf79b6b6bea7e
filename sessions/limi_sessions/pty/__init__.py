"""The shared shell: spawn, read, marks, lease, waiting state, recording."""
