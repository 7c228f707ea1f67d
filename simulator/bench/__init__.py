"""What the pipeline costs, beside what a hand-written script for the same work costs.

Both run in processes of their own, in turn, on the same generated files, so that a noisy machine
disturbs them alike. Figures are printed, never asserted.
"""
