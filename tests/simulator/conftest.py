"""The fixtures of `stage`, for every test of the simulator."""

from tests.simulator.stage import live_venue, okx, okx_pro, open_venue, venue

__all__ = ["live_venue", "okx", "okx_pro", "open_venue", "venue"]
