"""The report of a lake: one HTML file that shows the shop and the pipeline, and needs no network."""

from simulator.report.facts import Facts, gather
from simulator.report.page import GENERATOR, render

__all__ = ["GENERATOR", "Facts", "gather", "render"]
