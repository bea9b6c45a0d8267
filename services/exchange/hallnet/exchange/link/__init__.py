"""The links to the neighbours: batches, hellos, and what is taken from them."""
