"""Terminal engines behind one protocol. Knows nothing of widgets."""
