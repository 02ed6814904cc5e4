"""Benchmarks: the whole migration and its parts, beside yardsticks run in the same session."""
