"""Ports that an installation started by a test may use beside the other tests of the machine."""

from tradingboost.app.chaos.ports import free_offset

__all__ = ["free_offset"]
