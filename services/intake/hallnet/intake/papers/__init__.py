"""Papers and files: uploaded, fetched, stored once."""
