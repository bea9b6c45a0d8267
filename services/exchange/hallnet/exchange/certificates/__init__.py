"""Children certified and invited, certificates renewed, addresses that go on under another."""
