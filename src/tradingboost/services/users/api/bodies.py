"""What requests may say. A field that is not listed is refused: nobody sets their own role by sending one."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

Text = Annotated[str, Field(min_length=1, max_length=320)]
Password = Annotated[SecretStr, Field(min_length=1, max_length=128)]
Code = Annotated[str, Field(min_length=6, max_length=20)]


class Body(BaseModel):
    """Base of every request."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class RegisterBody(Body):
    username: Text
    password: Password
    email: Text | None = None
    locale: Literal["ko", "en"] = "ko"
    invite_code: str = Field("", max_length=64)


class LoginBody(Body):
    username: Text
    password: Password
    totp: str = Field("", max_length=20)


class RefreshBody(Body):
    refresh_token: Annotated[SecretStr, Field(min_length=1, max_length=200)]


class PasswordBody(Body):
    old_password: Password
    new_password: Password


class EnrolBody(Body):
    password: Password


class CodeBody(Body):
    totp: Code


class TokenBody(Body):
    label: Annotated[str, Field(min_length=1, max_length=50)]
    scopes: Annotated[list[Literal["read", "trade", "settings"]], Field(min_length=1, max_length=3)]
    days: Annotated[int, Field(ge=1, le=365)] = 90
    addresses: Annotated[list[str], Field(max_length=20)] = []


class SupportBody(Body):
    hours: Annotated[int, Field(ge=0, le=168)]


class ReasonBody(Body):
    reason: Annotated[str, Field(min_length=3, max_length=500)]


class RoleBody(ReasonBody):
    role: Literal["user", "support", "admin"]


class InviteBody(RoleBody):
    days: Annotated[int, Field(ge=1, le=30)] = 7


class SettingsBody(Body):
    preferences: dict[str, Any] | None = None
    params: dict[str, Any] | None = None
    dual_side: dict[str, Any] | None = None
    expected_version: dict[str, int] | int | None = None
    note: str = Field("", max_length=200)
    apply: Literal["now", "when_flat"] = "now"

    def documents(self) -> dict[str, dict[str, Any]]:
        """What is to be changed, by type."""
        given = {"preferences": self.preferences, "params": self.params, "dual_side": self.dual_side}
        return {kind: changes for kind, changes in given.items() if changes is not None}


class ResetBody(Body):
    type: Literal["preferences", "params", "dual_side"]
    strategy: Literal["hyperrsi", "grid"] = "hyperrsi"
    scope: str = Field("global", max_length=100)
    expected_version: Annotated[int, Field(ge=0)]


class ImportBody(Body):
    document: dict[str, Any]


class CurrentBody(Body):
    name: Annotated[str, Field(min_length=1, max_length=50)]
    description: str = Field("", max_length=200)
    strategy: Literal["hyperrsi", "grid"] = "hyperrsi"


class PresetBody(CurrentBody):
    settings: dict[str, Any] = {}
    copy_of: Annotated[str, Field(max_length=50)] | None = None


class PresetChangeBody(Body):
    expected_version: Annotated[int, Field(ge=1)]
    name: Annotated[str, Field(min_length=1, max_length=50)] | None = None
    description: Annotated[str, Field(max_length=200)] | None = None
    settings: dict[str, Any] = {}
