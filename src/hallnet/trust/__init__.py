"""Who is believed and why: certificates, journals, envelopes, receipts, releases, bundles.

All of it is pure: keys, time and randomness are given; nothing is stored, opened or sent here.
"""
