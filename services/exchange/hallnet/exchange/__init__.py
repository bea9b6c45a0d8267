"""The exchange: keys, journal, envelopes, links and receipts. It does not know what a case is."""
