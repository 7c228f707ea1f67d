"""The tests, in folders of the same names as the stages that run them."""
