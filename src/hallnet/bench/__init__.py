"""Benchmarks: real nodes beside a floor of bare libraries, in one run, as a ratio."""
