"""Signatures and the order of the checks, against vectors made with the venue's published recipe."""

import pytest

from tradingboost.core.errors import Conflict
from tradingboost.simulator.auth import ApiKey, KeyRing, iso_ms, sign
from tradingboost.simulator.envelope import ApiError

SECRET = "22582BD0CFF14C41EDBF1AB98506286D"
STAMP = "2020-12-08T09:08:57.715Z"
STAMP_MS = 1_607_418_537_715
BALANCE = "/api/v5/account/balance?ccy=BTC"
# openssl dgst -sha256 -hmac SECRET -binary | base64 over STAMP + "GET" + BALANCE
BALANCE_SIGN = "HiZhvSfMtWJA3uUIVXV3a/bSXNPCWvYFXoGCVS8V4zY="


def ring(**changes: object) -> KeyRing:
    made = KeyRing()
    fields: dict[str, object] = {"uid": "7", "key": "k", "secret": SECRET, "passphrase": "p", **changes}
    made.add(ApiKey(**fields))  # type: ignore[arg-type]
    return made


def headers(**changes: str) -> dict[str, str]:
    base = {
        "OK-ACCESS-KEY": "k",
        "OK-ACCESS-PASSPHRASE": "p",
        "OK-ACCESS-SIGN": sign(SECRET, STAMP + "GET" + BALANCE),
        "OK-ACCESS-TIMESTAMP": STAMP,
    }
    return {**base, **changes}


def check(keys: KeyRing, given: dict[str, str], target: str = BALANCE, now_ms: int | None = STAMP_MS) -> ApiKey:
    return keys.rest(given, "GET", target, b"", now_ms=now_ms, remote="127.0.0.1")


def test_the_signature_equals_the_one_openssl_makes() -> None:
    assert sign(SECRET, STAMP + "GET" + BALANCE) == BALANCE_SIGN


def test_a_correct_request_tells_whose_it_is() -> None:
    assert check(ring(), headers()).uid == "7"


def test_the_raw_target_is_what_was_signed() -> None:
    encoded = "/api/v5/account/positions?instId=BTC-USDT-SWAP%2CETH-USDT-SWAP"
    given = headers(**{"OK-ACCESS-SIGN": sign(SECRET, STAMP + "GET" + encoded)})
    assert check(ring(), given, encoded).uid == "7"
    with pytest.raises(ApiError, match="50113"):
        check(ring(), given, encoded.replace("%2C", ","))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"OK-ACCESS-KEY": ""}, "50103"),
        ({"OK-ACCESS-PASSPHRASE": ""}, "50104"),
        ({"OK-ACCESS-SIGN": ""}, "50106"),
        ({"OK-ACCESS-TIMESTAMP": ""}, "50107"),
        ({"OK-ACCESS-KEY": "other"}, "50111"),
        ({"OK-ACCESS-TIMESTAMP": "yesterday"}, "50112"),
        ({"OK-ACCESS-TIMESTAMP": "2020-12-08T09:09:57.715Z"}, "50102"),
        ({"OK-ACCESS-PASSPHRASE": "wrong"}, "50105"),
        ({"OK-ACCESS-SIGN": "AAAA"}, "50113"),
        ({"OK-ACCESS-SIGN": "not base64!"}, "50113"),
    ],
)
def test_each_fault_of_a_request_has_its_code(changes: dict[str, str], code: str) -> None:
    with pytest.raises(ApiError) as caught:
        check(ring(), headers(**changes))
    assert (caught.value.code, caught.value.status) == (code, 401)


def test_the_first_fault_wins() -> None:
    with pytest.raises(ApiError, match="50111"):
        check(ring(), headers(**{"OK-ACCESS-KEY": "other", "OK-ACCESS-SIGN": "AAAA"}))


def test_a_demo_key_refuses_live_requests_and_the_other_way_round() -> None:
    with pytest.raises(ApiError, match="50101"):
        check(ring(env="demo"), headers())
    assert check(ring(env="demo"), headers(**{"x-simulated-trading": "1"})).uid == "7"
    with pytest.raises(ApiError, match="50101"):
        check(ring(env="live"), headers(**{"x-simulated-trading": "1"}))


def test_a_key_bound_to_addresses_refuses_others() -> None:
    with pytest.raises(ApiError, match="50110"):
        check(ring(ips=("10.0.0.1",)), headers())


def test_without_an_auth_clock_old_timestamps_pass() -> None:
    assert check(ring(), headers(), now_ms=None).uid == "7"


@pytest.mark.parametrize("stamp", ["1607418537", 1607418537, "1607418537.715"])
def test_a_login_takes_its_timestamp_as_text_or_number(stamp: object) -> None:
    arg = {"apiKey": "k", "passphrase": "p", "timestamp": stamp, "sign": sign(SECRET, f"{stamp}GET/users/self/verify")}
    assert ring().login(arg, now_ms=STAMP_MS, demo=False, remote="").uid == "7"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"apiKey": "other"}, "60005"),
        ({"passphrase": "wrong"}, "60024"),
        ({"sign": "AAAA"}, "60007"),
        ({"timestamp": "soon"}, "60004"),
        ({"timestamp": "1607418400"}, "60006"),
    ],
)
def test_each_fault_of_a_login_has_its_code(changes: dict[str, str], code: str) -> None:
    arg = {"apiKey": "k", "passphrase": "p", "timestamp": "1607418537", "sign": "AAAA", **changes}
    with pytest.raises(ApiError, match=code):
        ring().login(arg, now_ms=STAMP_MS, demo=False, remote="")


def test_a_key_exists_once_and_can_be_revoked() -> None:
    keys = ring()
    with pytest.raises(Conflict, match="exists already"):
        keys.add(ApiKey(uid="8", key="k", secret="s", passphrase="p"))
    assert keys.drop_account("7") == ("k",)
    with pytest.raises(ApiError, match="50111"):
        check(keys, headers())


@pytest.mark.parametrize("text", ["2020-12-08T09:08:57.715", "2020-13-08T09:08:57.715Z", "", "1607418537.715"])
def test_only_utc_times_with_a_z_are_timestamps(text: str) -> None:
    assert iso_ms(text) is None
