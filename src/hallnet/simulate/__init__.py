"""A whole province in one process: the rules, stores and protocol code of the product, driven by a
virtual clock, a virtual network and virtual disks, from one seed, with everything that can go wrong."""
