"""The rules of a case's life, by their matter; `hallnet.case.decide` chooses among them."""
