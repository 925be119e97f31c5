"""DATABASE_URL: what is understood, what is refused, and that its password never shows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.problem import Category, StoreError
from models.secret import Secret
from storage.postgresql.address import Address, parse_address


def test_the_plain_form() -> None:
    address = parse_address("postgresql://desk:p%40ss%2Fword@db1:6432/trading?sslmode=verify-full")
    assert address == Address((("db1", 6432),), "trading", "desk", Secret("p@ss/word"), (("sslmode", "verify-full"),))
    assert address.masked() == "postgresql://desk:***@db1:6432/trading"
    assert address.keywords()["password"] == "p@ss/word"


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgres://u@h/d", (("h", 5432),)),
        ("postgresql://u@/d", (("localhost", 5432),)),
        ("postgresql://u:p@a,b:5433,c/d", (("a", 5432), ("b", 5433), ("c", 5432))),
        ("postgresql://u@[::1]:5433,[fe80::2]/d", (("::1", 5433), ("fe80::2", 5432))),
        ("postgresql://u@%2Frun%2Fpg/d", (("/run/pg", 5432),)),
        ("postgresql:///d?host=/run/pg&user=u&port=5433", (("/run/pg", 5433),)),
        ("postgresql://u@h/?dbname=d", (("h", 5432),)),
        ("postgresql://u@/d?host=a,b&port=1,2", (("a", 1), ("b", 2))),
    ],
)
def test_hosts(url: str, hosts: tuple[tuple[str, int], ...]) -> None:
    address = parse_address(url)
    assert address.hosts == hosts
    assert (address.database, address.user) == ("d", "u")
    assert parse_address(address.masked().replace(":***", "")).hosts == hosts


def test_time_limits_of_a_hosted_databases_url_give_way_to_our_own() -> None:
    address = parse_address("postgresql://u@h/d?sslmode=require&connect_timeout=10&keepalives=1&tcp_user_timeout=0")
    assert address.options == (("sslmode", "require"),)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "postgresql://"),
        ("mysql://u:sesame@h/d", "postgresql://"),
        ("postgresql:u:sesame@h/d", "postgresql://"),
        ("postgresql://:sesame@h/d", "no user"),
        ("postgresql://u:sesame@h", "no database"),
        ("postgresql://u:sesame@h/d/e", "two parts"),
        ("postgresql://u:sesame@h:99999/d", "port"),
        ("postgresql://u:sesame@h:5x/d", "port"),
        ("postgresql://u:sesame@[::1/d", "brackets"),
        ("postgresql://u:sesame@h/d?sslmode=off", "sslmode"),
        ("postgresql://u:sesame@h/d?sesame=1", "option"),
        ("postgresql://u:sesame@h/d?target_session_attrs=master", "target_session_attrs"),
        ("postgresql://u:ses ame@h/d", "space"),
        ("postgresql://u:sesame@h/d?host=a,b&port=1,2,3", "number of ports"),
        ("postgresql://u:sesame@h/d?gssencmode=sesame", "gssencmode"),
        ("postgresql://u:sesame@h/d?channel_binding=sesame", "channel_binding"),
        ("postgresql://u:sesame@h/d?load_balance_hosts=sesame", "load_balance_hosts"),
        ("postgresql://u:12?sesame=1@h/d", "%3F"),
        ("postgresql://u:12/sesame@h/d", "%2F"),
        ("postgresql://u:12#sesame@h/d", "%23"),
        ("postgresql://u:sesame@h/d#1", "%23"),
        ("postgresql://u:sesame%00@h/d", "control character"),
        ("postgresql://u:sesame@h/d%0A", "control character"),
        ("postgresql://u:sesame@h/d?sslrootcert=%00", "control character"),
        ("postgresql://u:sesame%FF@h/d", "UTF-8"),
        ("postgresql://u:sesame\udce9@h/d", "UTF-8"),
    ],
)
def test_what_is_wrong_is_said_without_the_password(url: str, why: str) -> None:
    with pytest.raises(StoreError) as caught:
        parse_address(url)
    assert caught.value.problem.category is Category.CONFIG
    assert why in caught.value.problem.text
    assert "u:ses" not in str(caught.value)
    assert "sesame" not in caught.value.problem.text or "?sesame=" in url.partition("@")[2]


@given(st.text(st.characters(min_codepoint=33, exclude_categories=["Cs", "Cc"]), min_size=1))
def test_every_password_survives_quoting_and_never_shows(password: str) -> None:
    from urllib.parse import quote

    address = parse_address(f"postgresql://u:{quote(password, safe='')}@h/d")
    assert address.password == Secret(password)
    assert address.masked() == "postgresql://u:***@h:5432/d"
    assert "Secret(***)" in repr(address)
