"""Benchmarks, run by hand: ``python -m tests.benchmarks.compare --help``. Not collected by pytest."""
