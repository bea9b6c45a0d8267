"""Branch-sync: keeps a node in step with the network. Releases flow down, certificates are told up."""
