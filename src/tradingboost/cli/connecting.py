"""`connect`: the way of an exchange's keys into the platform, one question after the other."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradingboost.cli import keys_view as view
from tradingboost.cli.exits import DONE, UNAVAILABLE
from tradingboost.cli.session import Answer, Session
from tradingboost.cli.user_logins import act_of
from tradingboost.core.errors import InvalidInput, Refused

if TYPE_CHECKING:
    from tradingboost.app.settings import Settings
    from tradingboost.shared.interfaces.custody import Verification

_LONGEST = 4096
_PAGES = {
    "okx": "OKX: Profile > API > Create API key (version V5)",
    "binance": "Binance: Account > API Management > Create API (system generated)",
    "bybit": "Bybit: Account > API > Create New Key (system generated)",
    "bitget": "Bitget: Account > API Keys > Create API key",
    "upbit": "Upbit: My page > Open API management",
}
_WITH_PASSPHRASE = ("okx", "bitget")


def connect(
    session: Session,
    exchange: Annotated[str, typer.Argument(metavar="EXCHANGE", help="okx, binance, bybit, bitget or upbit.")] = "",
    *,
    user: Annotated[str, typer.Option("--user", help="Whose account: a name, an id; asked for when missing.")] = "",
    label: Annotated[str, typer.Option(help="A name for the account.")] = "",
    environment: Annotated[str, typer.Option(help="live, demo or simulated.")] = "live",
    account: Annotated[str, typer.Option(help="The account whose keys these replace.")] = "",
    rest: Annotated[str, typer.Option(help="Address of a simulated exchange.")] = "",
    ws: Annotated[str, typer.Option(help="Its WebSocket address.")] = "",
    stdin: Annotated[bool, typer.Option("--stdin", help="Read one JSON object with the keys, for scripts.")] = False,
) -> Answer:
    """Connect an exchange account: asks for its API keys, seals them, and has the exchange say what they may do."""
    settings = session.settings()
    asking = not stdin and not session.json and sys.stdin.isatty()
    if not asking and not stdin:
        message = "Nobody is here to be asked; give the keys as JSON on standard input and say --stdin."
        raise InvalidInput("keys_missing", message)
    venue = _named(exchange, asking)
    who = user or (typer.prompt("Whose account (user name)", err=True) if asking else "")
    if not who:
        raise InvalidInput("user_needed", "Say whose account it is with --user.")
    if asking:
        _explain(session, settings, venue)
        given = _asked(venue)
    else:
        given = typed_fields(sys.stdin.readline(_LONGEST))
    from tradingboost.app import key_desk
    from tradingboost.core.ids import AccountId, UserId, Venue
    from tradingboost.shared.interfaces.users import StoreCredential

    typed = StoreCredential(
        user_id=UserId(""),
        venue=Venue(venue),
        environment=environment,
        label=label or venue,
        account_id=AccountId(account),
        endpoint_rest=rest,
        endpoint_ws=ws,
        actor=act_of("connect").by,
        api_key=given["api_key"],
        api_secret=given["api_secret"],
        passphrase=given.get("passphrase", ""),
    )
    with session.progress(f"asking {venue} what these keys may do"):
        found = session.run(lambda: key_desk.connected(settings, who, typed))
    return judged(found)


def _named(exchange: str, asking: bool) -> str:
    if not exchange and asking:
        exchange = typer.prompt(f"Which exchange ({', '.join(_PAGES)})", err=True)
    chosen = exchange.strip().lower()
    if chosen not in _PAGES:
        raise InvalidInput("unknown_venue", f"{exchange!r} is no exchange here; choose one of {', '.join(_PAGES)}.")
    return chosen


def _explain(session: Session, settings: "Settings", venue: str) -> None:
    """What to tick before the keys are made: it cannot be mended afterwards."""
    addresses = settings.exchange.egress_addresses
    bound = (
        f"Restrict it to our address: {', '.join(addresses)}"
        if addresses
        else "Restrict it to the address of this machine (the operator can name it in TB_EXCHANGE__EGRESS_ADDRESSES)"
    )
    session.say(f"Make the key at {_PAGES[venue]}")
    session.say("  1. Allow reading and trading (futures). Never allow withdrawals: such a key is refused.")
    session.say(f"  2. {bound}.")
    session.say("What you type now is not shown, and is sealed before anything else happens.")


def _asked(venue: str) -> dict[str, str]:
    given = {"api_key": getpass.getpass("API key: "), "api_secret": getpass.getpass("API secret: ")}
    if venue in _WITH_PASSPHRASE:
        given["passphrase"] = getpass.getpass("Passphrase: ")
    return given


def judged(found: "Verification") -> Answer:
    """What a verification says, with the exit code of a script: 0 usable, 6 not asked yet.

    Raises:
        Refused: the keys are refused or no longer trusted, with the reason.
    """
    if found.outcome in ("refused", "broken"):
        raise Refused(found.code, found.message, credential_id=found.credential.credential_id, outcome=found.outcome)
    code = UNAVAILABLE if found.outcome == "pending" else DONE
    return Answer(found, lambda console: view.verification(console, found), exit_code=code)


def typed_fields(line: str) -> dict[str, Any]:
    """Keys given by a script: one JSON object on standard input.

    Raises:
        InvalidInput: `bad_credential`; no part of the input is repeated.
    """
    import msgspec

    try:
        found = msgspec.json.decode(line.encode(), type=dict[str, str])
    except msgspec.MsgspecError:
        found = {}
    known = {"api_key", "api_secret", "passphrase"}
    if not {"api_key", "api_secret"} <= set(found) <= known:
        message = "These API keys cannot be stored: give one JSON object of api_key, api_secret and passphrase."
        raise InvalidInput("bad_credential", message)
    return found
