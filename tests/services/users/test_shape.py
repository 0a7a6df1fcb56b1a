"""What cannot be API keys is refused with the reason, before anything is sealed, and never shown."""

import pytest

from tradingboost.core.errors import InvalidInput
from tradingboost.core.ids import Venue
from tradingboost.services.users.service.shape import shaped

GOOD = {"api_key": "k3y-0190b3a4-5c6d", "api_secret": "S3CR37-77ab91cd", "passphrase": "Phr4se!of-it"}


@pytest.mark.parametrize(
    ("venue", "field", "value", "said"),
    [
        ("okx", "api_key", "", "is empty"),
        ("okx", "api_key", "your-api-key-here", "placeholder"),
        ("okx", "api_key", "<your api key>", "blanks or signs"),
        ("okx", "api_secret", "aaaaaaaaaaaaaaaa", "placeholder"),
        ("okx", "api_secret", "short", "only 5 characters"),
        ("okx", "api_secret", "two words of it", "blanks or signs"),
        ("okx", "api_secret", "k3y-0190b3a4-5c6d", "the same text"),
        ("okx", "api_key", "tb1.k1.AAECAwQFBgcICQoL.Mj0piisYmYndleS1QxAsWWc2eilMz", "encrypted already"),
        ("okx", "api_secret", "enc_v1:gAAAAABmcanarycanarycanary", "encrypted already"),
        ("okx", "api_secret", "gAAAAABmcanarycanarycanarycanarycanary", "encrypted already"),
        ("okx", "passphrase", "", "is empty"),
        ("okx", "passphrase", "changeme", "placeholder"),
        ("upbit", "passphrase", "anything", "no passphrase"),
        ("kraken", "api_key", "k3y-0190b3a4-5c6d", "no exchange"),
    ],
)
def test_trap_plain_text_where_ciphertext_belongs_and_the_reverse_are_refused(
    venue: str, field: str, value: str, said: str
) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        shaped(Venue(venue), {**GOOD, **({} if venue == "okx" else {"passphrase": ""}), field: value})
    assert caught.value.code == "bad_credential"
    assert not value or value not in caught.value.message
    assert caught.value.details == {}


def test_blanks_around_are_cut_off_and_only_what_the_venue_has_is_kept() -> None:
    typed = {name: f" {value}\n" for name, value in GOOD.items()}
    assert shaped(Venue("okx"), typed) == GOOD
    kept = shaped(Venue("upbit"), {**typed, "passphrase": "  "})
    assert kept == {"api_key": GOOD["api_key"], "api_secret": GOOD["api_secret"]}
