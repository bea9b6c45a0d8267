"""Numbers of a hall, worked out from the events of its cases: pure."""
