"""A made-up region whose calls have rhythm, holidays and surges: for `simulate`, and for the demo of `up`."""

from services.cli.simulation.region import Region, demo_region

__all__ = ["Region", "demo_region"]
