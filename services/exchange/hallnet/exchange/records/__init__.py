"""What is taken out of the records: bundles, archives, reports; and what is erased."""
