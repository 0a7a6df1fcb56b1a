"""How a setting is written down."""

from pydantic import Field, SecretStr
from scripts.env_example import render

from tradingboost.kit.settings import Slice


class Part(Slice):
    """A slice."""

    size: int = Field(5, description="how many")
    names: tuple[str, ...] = Field(("a", "b"), description="which")
    on: bool = Field(True, description="whether")
    password: SecretStr = Field(SecretStr("hunter2"), description="the word")
    url: str | None = Field(None, description="where")


class Root(Slice):
    """A root with a variable of its own and a slice."""

    env: str = Field("dev", description="which world")
    part: Part = Part()


def test_each_setting_is_one_line_with_its_default_and_meaning() -> None:
    body = render(Root).split("\n\n", 1)[1]
    assert body == (
        "# which world\n# TB_ENV=dev\n"
        "\n# -- part\n# how many\n# TB_PART__SIZE=5\n# which\n# TB_PART__NAMES=a,b\n# whether\n# TB_PART__ON=true\n"
        "# the word (secret)\n# TB_PART__PASSWORD=\n# where\n# TB_PART__URL=\n"
    )


def test_a_secret_default_is_never_written() -> None:
    assert "hunter2" not in render(Root)
