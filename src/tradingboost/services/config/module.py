"""The plug of `config`."""

from tradingboost.kit.context import Context
from tradingboost.kit.runtime import Module
from tradingboost.services.config.service import ConfigService


def build(context: Context) -> tuple[ConfigService, Module]:
    """The service and what keeps it running."""
    return ConfigService(context), Module("config")
