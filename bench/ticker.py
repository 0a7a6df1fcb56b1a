"""The other side of a socket: `python -m bench.ticker PORT TICKS GAP_US` sends prices with the moment of sending."""

import json
import socket
import sys
import time


def main(port: int, ticks: int, gap_us: int) -> None:
    """One line a tick, on time; the moment is of the clock that both processes share."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        due = time.perf_counter()
        for number in range(ticks):
            due += gap_us / 1e6
            time.sleep(max(due - time.perf_counter(), 0.0))
            row = {
                "instId": "BTC-USDT-SWAP",
                "last": f"{42_000 + number % 50}.1",
                "ts": str(time.perf_counter_ns()),
            }
            link.sendall(json.dumps({"arg": {"channel": "tickers"}, "data": [row]}).encode() + b"\n")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:4]))
