"""Own envelopes and what is passed on for others, until a link takes them."""
