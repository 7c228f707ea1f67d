"""Errors that are put into the code on purpose, to see that the equivalence tests find them."""
