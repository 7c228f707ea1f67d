"""The report of a lake: one HTML file of the shop and the pipeline that needs no network."""

from simulator.report.facts import Facts, gather
from simulator.report.page import GENERATOR, render

__all__ = ["GENERATOR", "Facts", "gather", "render"]
