"""What a case is and may become: items, clocks, mandates, events and decisions. All of it is pure."""
