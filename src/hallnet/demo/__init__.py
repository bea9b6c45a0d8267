"""The demo: a real network of nine halls on one machine, and what is to be believed of it, checked."""
