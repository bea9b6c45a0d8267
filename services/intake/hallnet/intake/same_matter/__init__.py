"""The same matter at two halls, found by keyed digests (0021)."""
