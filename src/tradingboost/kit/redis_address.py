"""Where Redis is: one server (`redis://`, `rediss://`, `unix://`) or those who know which one is the master.

sentinel://user:password@host:26379,host:26380/mymaster/0
"""

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, unquote, urlsplit

from tradingboost.core.errors import InvalidInput

SENTINEL = "sentinel"
_SCHEMES = ("redis", "rediss", "unix", SENTINEL)
_SENTINEL_PORT = 26_379
_LOOPBACK = {"localhost": "127.0.0.1", "::1": "127.0.0.1"}


@dataclass(frozen=True, slots=True)
class Place:
    """A database on a server: two addresses with the same place mean the same keys.

    Args:
        server: host and port, a socket's path, or the name of what the Sentinels watch, with them.
    """

    server: str
    db: int


@dataclass(frozen=True, slots=True)
class Watched:
    """What Sentinels are asked for.

    Args:
        sentinels: (host, port) of each.
        master: the name they know it by.
    """

    sentinels: tuple[tuple[str, int], ...]
    master: str
    db: int
    username: str | None
    password: str | None


def place_of(url: str) -> Place:
    """The place an address names.

    Raises:
        InvalidInput: no address of a Redis.
    """
    if url.startswith(f"{SENTINEL}://"):
        found = watched(url)
        around = ",".join(sorted(f"{_LOOPBACK.get(host, host)}:{port}" for host, port in found.sentinels))
        return Place(f"{found.master}@{around}", found.db)
    try:
        parts = urlsplit(url)
        port = parts.port or 6379
    except ValueError:
        raise _bad() from None
    if parts.scheme not in _SCHEMES:
        raise _bad()
    asked = parse_qs(parts.query).get("db", [""])[0]
    number = asked or ("" if parts.scheme == "unix" else parts.path.strip("/"))
    if number and not number.isdigit():
        raise _bad()
    host = parts.hostname or "localhost"
    server = parts.path if parts.scheme == "unix" else f"{_LOOPBACK.get(host, host)}:{port}"
    return Place(server, int(number or 0))


def watched(url: str) -> Watched:
    """The parts of a `sentinel://` address.

    Raises:
        InvalidInput: it has another form.
    """
    rest = url.removeprefix(f"{SENTINEL}://")
    where, _, path = rest.partition("/")
    login, _, hosts = where.rpartition("@")
    master, _, number = path.partition("/")
    username, _, password = login.partition(":")
    if not hosts or not master or not (number or "0").isdigit():
        raise _bad()
    return Watched(
        sentinels=tuple(host_and_port(one) for one in hosts.split(",")),
        master=master,
        db=int(number or 0),
        username=unquote(username) or None,
        password=unquote(password) or None,
    )


def host_and_port(text: str) -> tuple[str, int]:
    """`host:port` of a Sentinel; 26379 where no port is named.

    Raises:
        InvalidInput: neither.
    """
    host, colon, port = text.strip().rpartition(":")
    if not colon:
        host, port = text.strip(), str(_SENTINEL_PORT)
    if not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise InvalidInput("bad_sentinel", "TB_REDIS__SENTINELS is a list of host:port, such as 10.0.0.5:26379.")
    return host, int(port)


def login_of(username: str | None, password: str | None) -> str:
    """`user:password@` of an address, "" without either."""
    if not username and not password:
        return ""
    return f"{quote(username or '', safe='')}:{quote(password or '', safe='')}@"


def with_db(url: str, db: int) -> str:
    """The same server with another database.

    Raises:
        InvalidInput: no address of a Redis.
    """
    if url.startswith(f"{SENTINEL}://"):
        watched(url)
        head, _, path = url.removeprefix(f"{SENTINEL}://").partition("/")
        return f"{SENTINEL}://{head}/{path.partition('/')[0]}/{db}"
    place_of(url)
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts._replace(query=f"db={db}").geturl()
    return parts._replace(path=f"/{db}", query="").geturl()


def _bad() -> InvalidInput:
    message = "A Redis address looks like redis://:password@host:port/0 or sentinel://:password@host:26379/mymaster/0."
    return InvalidInput("bad_redis_url", f"{message} Check TB_REDIS__URL and TB_JOBS__BROKER_URL.")
