"""`TB_USERS__*` and `TB_AUTH__*`."""

from typing import Literal

from pydantic import Field, PositiveInt, SecretStr

from tradingboost.kit.settings import Slice


class UsersSettings(Slice):
    """Who may be here."""

    max_users: int = Field(1000, ge=1, le=1_000_000, description="people this platform serves at most")
    registration: Literal["open", "invite", "closed"] = Field(
        "invite", description="who may register: anybody, who was invited, or nobody"
    )


class AuthSettings(Slice):
    """How people prove who they are."""

    signing_keys: SecretStr | None = Field(
        None, description="kid1:base64,kid2:base64 (Ed25519, 32 bytes each) of access tokens; the first signs"
    )
    seal_keys: SecretStr | None = Field(
        None, description="kid1:base64,kid2:base64 (32 bytes each) that seal second factors; the first is active"
    )
    access_ttl_s: int = Field(600, ge=30, le=600, description="seconds an access token is good for")
    refresh_idle_s: int = Field(86_400, ge=600, le=604_800, description="seconds without use that end a session")
    refresh_total_s: int = Field(2_592_000, ge=3600, le=2_592_000, description="seconds that end any session")
    argon2_memory_kib: int = Field(65_536, ge=19_456, le=1_048_576, description="memory of a password's hash")
    account_failures: PositiveInt = Field(5, description="wrong passwords of one name before it waits")
    address_failures: PositiveInt = Field(20, description="wrong passwords from one address before it waits")
    total_failures: PositiveInt = Field(500, description="wrong passwords in all, within a minute, before all wait")
