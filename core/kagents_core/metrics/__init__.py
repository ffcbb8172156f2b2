"""Measurements of kagents' processes: one registry of all of them, and the page that Prometheus reads.

What is measured is declared once, with the values that its labels may have; so no manifest, agent or model
name can make the number of series grow without an end.
"""

from kagents_core.metrics.families import CONTROLLER, HUB, OTHER, PREFIX, Family, Label
from kagents_core.metrics.measuring import Measurements, Metrics

__all__ = ["CONTROLLER", "HUB", "OTHER", "PREFIX", "Family", "Label", "Measurements", "Metrics"]
