"""What was asked of the exchange: a bounded ring without secrets, and how often each client order id was sent."""

from collections import OrderedDict, deque
from typing import Any, Final

_IDS_KEPT: Final = 100_000
_TEXT_KEPT: Final = 4_000

_Entry = tuple[int, str, str, str, bytes, int, bytes, int, tuple[str, ...]]


class RequestLog:
    """Remembers the last requests and counts sends by client order id.

    Args:
        kept: requests remembered.
    """

    def __init__(self, kept: int) -> None:
        self._ring: deque[_Entry] = deque(maxlen=kept)
        self._sends: OrderedDict[str, int] = OrderedDict()
        self.total = 0
        self.by_path: dict[str, int] = {}

    def note(
        self,
        at_us: int,
        uid: str,
        method: str,
        target: str,
        body: bytes,
        *,
        status: int,
        reply: bytes,
        took_us: int,
        faults: tuple[str, ...] = (),
    ) -> None:
        self.total += 1
        path = f"{method} {target.partition('?')[0]}"
        if path in self.by_path or len(self.by_path) < 500:
            self.by_path[path] = self.by_path.get(path, 0) + 1
        self._ring.append((at_us, uid, method, target, body[:_TEXT_KEPT], status, reply[:_TEXT_KEPT], took_us, faults))

    def count_sends(self, bodies: Any) -> None:
        """Count the client order ids of a placing request, before it is judged."""
        for body in bodies if isinstance(bodies, list) else [bodies]:
            if isinstance(body, dict):
                name = body.get("clOrdId") or body.get("algoClOrdId")
                if name:
                    self._sends[str(name)] = self._sends.pop(str(name), 0) + 1
        while len(self._sends) > _IDS_KEPT:
            self._sends.popitem(last=False)

    def sends(self, client_id: str) -> int:
        return self._sends.get(client_id, 0)

    def report(self, limit: int, client_id: str = "") -> dict[str, Any]:
        rows = list(self._ring)
        if client_id:
            wanted = client_id.encode()
            rows = [row for row in rows if wanted in row[4] or client_id in row[3]]
        shown = [_readable(row) for row in rows[-limit:]]
        counts = {client_id: self.sends(client_id)} if client_id else dict(self._sends)
        return {"total": self.total, "by_path": self.by_path, "post_count": counts, "requests": shown}


def _readable(row: _Entry) -> dict[str, Any]:
    at_us, uid, method, target, body, status, reply, took_us, faults = row
    return {
        "at_us": at_us,
        "uid": uid,
        "method": method,
        "target": target,
        "body": body.decode(errors="replace"),
        "status": status,
        "reply": reply.decode(errors="replace"),
        "latency_us": took_us,
        "faults": list(faults),
    }
