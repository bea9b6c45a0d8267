"""What stands around a window, with its tables: the rules are those of `hallnet.window`."""
