"""The command `hallnet`: everything an operator does, and the demo."""
