"""What an act of one person on another must say about itself."""

import re

from tradingboost.core.errors import InvalidInput
from tradingboost.shared.interfaces.users.people import Act

_BY = re.compile(r"(?:admin|support|cli):[A-Za-z0-9._@-]{1,64}")
_SHORTEST_REASON, _LONGEST_REASON = 3, 500


def checked_act(act: Act) -> None:
    """Refuse an act nobody stands for, or nobody says why.

    Raises:
        InvalidInput: `reason_missing` or `actor_missing`.
    """
    if not _BY.fullmatch(act.by):
        raise InvalidInput("actor_missing", "An act needs somebody who does it: admin:ID or cli:ACCOUNT.")
    if not _SHORTEST_REASON <= len(act.reason.strip()) <= _LONGEST_REASON:
        raise InvalidInput("reason_missing", "Say why, in 3 to 500 characters; it is kept in the person's audit trail.")
