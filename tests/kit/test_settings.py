"""Settings from the environment: one name, one place, no surprises."""

from pathlib import Path

import pytest
from pydantic import Field, PositiveInt, SecretStr, ValidationError

from tradingboost.core.errors import InvalidInput
from tradingboost.kit.environment import env_file, load, variables
from tradingboost.kit.settings import DbSettings, RedisSettings, Slice


class Inner(Slice):
    limits: tuple[int, ...] = (1, 2)
    weights: dict[str, int] = Field(default_factory=dict)
    names: tuple[str, ...] = ()


class Root(Slice):
    env: str = "dev"
    db: DbSettings = Field(default_factory=DbSettings)
    redis: RedisSettings = Field(default_factory=RedisSettings)
    inner: Inner = Inner()
    workers: PositiveInt | None = None


def test_nothing_set_means_the_defaults() -> None:
    assert load(Root, {"PATH": "/bin", "HOME": "/"}) == Root()


def test_a_variable_is_named_by_its_path() -> None:
    root = load(Root, {"TB_ENV": "paper", "TB_DB__POOL_SIZE": "7", "TB_WORKERS": "3", "TB_INNER__LIMITS": "4, 5"})
    assert (root.env, root.db.pool_size, root.workers, root.inner.limits) == ("paper", 7, 3, (4, 5))


def test_collections_may_be_json() -> None:
    root = load(Root, {"TB_INNER__WEIGHTS": '{"a": 1}', "TB_INNER__NAMES": '["x,y", "z"]'})
    assert root.inner.weights == {"a": 1}
    assert root.inner.names == ("x,y", "z")


@pytest.mark.parametrize(
    ("name", "hint"),
    [("TB_DB__POOLSIZE", "Did you mean TB_DB__POOL_SIZE"), ("TB_BD__URL", "TB_DB__URL"), ("TB_XYZZY", ".env.example")],
)
def test_an_unknown_name_is_refused_with_the_nearest_known_one(name: str, hint: str) -> None:
    with pytest.raises(InvalidInput, match=hint) as caught:
        load(Root, {name: "1"})
    assert caught.value.code == "unknown_setting"


def test_a_bad_value_names_the_variable_and_never_shows_it() -> None:
    with pytest.raises(InvalidInput, match="TB_DB__POOL_SIZE") as caught:
        load(Root, {"TB_DB__POOL_SIZE": "hunter2"})
    assert "hunter2" not in str(caught.value)
    assert caught.value.code == "bad_setting"


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://u:p@h/d\n")
    root = load(Root, {"TB_DB__URL_FILE": str(tmp_path / "url")})
    assert root.db.address() == "postgresql://u:p@h/d"
    with pytest.raises(InvalidInput, match="cannot be read"):
        load(Root, {"TB_DB__URL_FILE": str(tmp_path / "none")})
    with pytest.raises(InvalidInput, match="not both"):
        load(Root, {"TB_DB__URL_FILE": str(tmp_path / "url"), "TB_DB__URL": "postgresql://x"})


def test_an_alias_fills_in_and_may_not_disagree() -> None:
    aliases = {"DATABASE_URL": "TB_DB__URL"}
    assert load(Root, {"DATABASE_URL": "postgresql://a"}, aliases=aliases).db.address() == "postgresql://a"
    with pytest.raises(InvalidInput, match="DATABASE_URL and TB_DB__URL disagree"):
        load(Root, {"DATABASE_URL": "postgresql://a", "TB_DB__URL": "postgresql://b"}, aliases=aliases)


def test_the_command_line_wins() -> None:
    assert load(Root, {"TB_DB__POOL_SIZE": "7"}, {"db.pool_size": 9}).db.pool_size == 9
    with pytest.raises(InvalidInput, match=r"db\.pool_size"):
        load(Root, {}, {"db.poolsize": 9})


def test_slices_are_frozen_and_refuse_strangers() -> None:
    with pytest.raises(ValidationError):
        DbSettings().pool_size = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        DbSettings.model_validate({"pool": 3})


def test_secrets_do_not_show() -> None:
    root = load(Root, {"TB_DB__URL": "postgresql://u:canary@h/d", "TB_DB__PASSWORD": "canary"})
    assert "canary" not in f"{root!r} {root} {root.model_dump_json()}"


def test_every_variable_of_the_tree_is_listed_with_its_meaning() -> None:
    listed = {variable.name: variable for variable in variables(Root)}
    assert listed["TB_DB__URL"].secret
    assert not listed["TB_DB__POOL_SIZE"].secret
    assert listed["TB_DB__POOL_SIZE"].default == 5
    assert all(v.description for name, v in listed.items() if name.startswith(("TB_DB__", "TB_REDIS__")))


def test_an_env_file_is_read_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('# comment\nTB_ENV="paper"\nexport TB_WORKERS=2\n')
    assert load(Root, env_file(tmp_path / ".env")).workers == 2
    assert env_file(tmp_path / "none") == {}


def test_parts_of_an_address_make_the_address() -> None:
    assert DbSettings().address() is None
    settings = DbSettings(host="h", user="u", password=SecretStr("p@ss"), name="n", port=5)
    assert settings.address() == "postgresql://u:p%40ss@h:5/n"
