"""What sealing stands on."""

from dataclasses import dataclass

from tradingboost.kit.crypto import Secret
from tradingboost.shared.interfaces.data_keys import DataKeys


@dataclass(frozen=True, slots=True)
class Vault:
    """The tools of whoever may lock and not unlock.

    Args:
        data_keys: gives a fresh key for every credential that is sealed.
        pepper: keys the fingerprints of API keys.
    """

    data_keys: DataKeys
    pepper: Secret
