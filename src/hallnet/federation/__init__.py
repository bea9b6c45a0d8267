"""How halls deal with each other: links, admission, delivery. State machines without I/O or clock."""
