"""What `config` tells."""

from tradingboost.shared.events.envelope import Payload, event


@event("config.value_changed")
class ConfigChanged(Payload, frozen=True, kw_only=True):
    """A runtime value has a new version."""

    service: str
    key: str
    value: str
    version: int
