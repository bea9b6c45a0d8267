"""The intake: the counter of a hall, its items, cases, clocks, materials and mandates."""
