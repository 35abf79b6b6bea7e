"""A model becomes scores: suites, metrics, runner, tables."""
