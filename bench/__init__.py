"""Benchmarks: every line of DESIGN.md §17, the engine beside its floor, in one run. See README.md."""
