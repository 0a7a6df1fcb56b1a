"""How API keys are drawn: state, rights and the last four characters, never more of a key."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tradingboost.cli.show import facts, table

if TYPE_CHECKING:
    from rich.console import Console

    from tradingboost.app.key_desk import Disabled
    from tradingboost.shared.interfaces.custody import Verification
    from tradingboost.shared.interfaces.users import Credential


def credentials(console: "Console", found: "Sequence[Credential]") -> None:
    """A line a credential."""
    columns = ("id", "exchange", "account", "environment", "status", "key", "version", "sealed by", "verified")
    rows = [
        (
            one.credential_id[-8:],
            one.venue,
            one.label,
            one.environment,
            one.status if not one.code else f"{one.status} ({one.code})",
            _hint(one),
            str(one.version),
            one.kid or "destroyed",
            f"{one.verified_at:%Y-%m-%d %H:%M}" if one.verified_at else "never",
        )
        for one in found
    ]
    console.print(table("API keys", columns, rows) if rows else "There are no API keys yet; use: tradingboost connect.")


def credential(console: "Console", one: "Credential") -> None:
    """All that may be shown of one."""
    bound = {True: "yes", False: "no", None: "the exchange does not tell"}[one.ip_bound]
    rows = [
        ("kind", "API keys" if one.kind == "trade_key" else "token of a signal bot"),
        ("account", f"{one.label} at {one.venue} ({one.environment}), {one.account_id}"),
        ("exchange uid", one.exchange_uid or "not known yet"),
        ("key", _hint(one)),
        ("state", one.status if not one.code else f"{one.status}: {one.code}"),
        ("in force", "yes" if one.in_force else "no"),
        ("version", str(one.version)),
        ("sealed by", one.kid or "destroyed"),
        ("may", ", ".join(one.permissions) or "not known yet"),
        ("bound to addresses", bound),
        ("verified", f"{one.verified_at:%Y-%m-%d %H:%M} UTC" if one.verified_at else "never"),
        ("ends", f"{one.expires_at:%Y-%m-%d %H:%M} UTC" if one.expires_at else "not known"),
    ]
    console.print(facts(f"Credential {one.credential_id}", rows))


def verification(console: "Console", found: "Verification") -> None:
    """What the exchange said, and what to do next."""
    credential(console, found.credential)
    for warning in found.warnings:
        console.print(f"[yellow]note[/] {warning}")
    console.print(_next(found))


def _next(found: "Verification") -> str:
    if found.outcome == "pending":
        return f"{found.message} Ask now: tradingboost keys verify {found.credential.credential_id[-8:]}"
    if found.credential.kind != "trade_key":
        return "The token is in force again, and the settings say so."
    if found.outcome == "read_only":
        return "Connected for reading. Allow trading at the exchange, then: tradingboost keys verify."
    return (
        f"Connected. Next: tradingboost up, then tradingboost start hyperrsi --account {found.credential.account_id}; "
        "tradingboost status shows it."
    )


def deleted(console: "Console", one: "Credential") -> None:
    """It is out, and how to take that back."""
    console.print(
        f"{_hint(one)} of {one.label} signs nothing more. Within a day: tradingboost keys restore "
        f"{one.credential_id[-8:]}"
    )


def egress(console: "Console", found: "Sequence[str]") -> None:
    """The addresses, or who can name them."""
    unknown = "The operator has named none; set TB_EXCHANGE__EGRESS_ADDRESSES to what this machine is seen as."
    console.print("\n".join(found) if found else unknown)


def kids(console: "Console", found: "Mapping[str, int]") -> None:
    """How many each key seals; one with none may be taken out of TB_CRYPTO__KEKS."""
    rows = [(kid, str(count)) for kid, count in found.items()]
    console.print(table("Sealed by", ("key", "credentials"), rows, ("credentials",)) if rows else "Nothing is sealed.")


def rewrapped(console: "Console", data: "Mapping[str, Any]") -> None:
    """What is where now."""
    kids(console, data["kids"])
    console.print(f"{data['done']} data keys are under {data['active']} now.")
    for one in data["failed"]:
        console.print(f"[red]not opened[/] {one}: its key is not in TB_CRYPTO__KEKS; add it and run this again.")


def disabled(console: "Console", found: "Disabled") -> None:
    """Done, or who has to agree."""
    if found.proposal:
        console.print(f"Proposed. Another admin agrees with: tradingboost users approve {found.proposal}; then repeat.")
        return
    console.print(f"{len(found.ended)} API keys are out of use. Within a day: tradingboost keys restore.")


def _hint(one: "Credential") -> str:
    return f"...{one.key_hint}" if one.key_hint else "..."
