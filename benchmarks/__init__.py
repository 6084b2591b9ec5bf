"""Benchmarks, each against a peer in the same run: `make bench`, or one of them with `python -m benchmarks.NAME`."""
