"""Throw-away servers and networks of nodes on loopback: real ones, for the demo and the tests."""
