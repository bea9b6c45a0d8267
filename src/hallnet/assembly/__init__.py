"""Putting a node's process together from its services: the only place that knows all of them."""
