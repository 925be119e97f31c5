"""The words of the command line: what is understood, and that nothing typed is ever repeated."""

import pytest

import main
from services.commands.parser import UsageError, build


def parse(line: str) -> object:
    return build("main.py").parse(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "status",
        "prepare",
        "migrations",
        "migrations list",
        "migrations show 36",
        "migrations apply",
        "migrations rehearse",
        "migrations repair --yes",
        "migrations baseline 71 --yes",
        "connections",
        "connections list",
        "connections show X",
        "connections add",
        "connections add --file F",
        "connections edit X --file F",
        "connections remove X Y",
        "connections restore X",
        "connections deleted",
        "connections enable X",
        "connections disable X Y",
        "connections duplicate X",
        "import A B --dry-run",
        "export F",
        "backup",
        "backup make",
        "backup list",
        "restore F --yes",
        "legacy",
        "legacy report",
        "legacy scrub --yes",
        "health",
        "changes",
        "changes list",
        "changes resolve ID --keep mine",
        "changes resolve ID --file F",
        "changes resolve ID --dismiss",
        "changes retry",
        "changes accept-database --yes",
        "database",
        "database test --file F",
        "database set",
        "database clear",
        "move sqlite --yes",
        "move postgresql --to-url-file F",
        "vault",
        "vault set-passphrase --file F",
        "vault recovery-key --yes",
        "vault hold-by keyring",
        "vault rotate --yes",
    ],
)
def test_every_command_is_understood_and_has_a_handler(line: str) -> None:
    arguments = build("main.py").parse(line.split())
    assert callable(arguments.handler)
    assert arguments.writes in {True, False}
    assert arguments.starts is (line != "prepare")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("conections", "That command is not known"),
        ("connections lst", "That command is not known"),
        ("connections add --api-secret=CANARY more CANARY", "There is no option --api-secret."),
        ("connections add --api-secret CANARY", "There is no option --api-secret."),
        ("connections add CANARY", "There are too many words."),
        ("connections sho CANARY", "That command is not known"),
        ("migrations show CANARY", "N is not a number."),
        ("migrations show", "Missing: N."),
        ("connections edit X --file", "--file needs a value."),
        ("connections edit X --fil CANARY", "There is no option --fil."),
        ("legacy scrub --yes=CANARY", "not a command line"),
    ],
)
def test_wrong_words_get_a_sentence_that_repeats_no_value(line: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(line)
    assert sentence in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert caught.value.program.startswith("main.py")


def test_the_options_of_every_command_stand_anywhere() -> None:
    for line in ("--json --data-dir D status", "status --json --data-dir D", "--data-dir=D status --json"):
        assert main.split(line.split()) == main.Arguments("D", as_json=True, words=("status",))


def test_without_words_the_window_is_meant() -> None:
    assert main.split([]) == main.Arguments()
    assert main.split(["--data-dir", "D"]) == main.Arguments("D")


def test_a_name_may_look_like_an_option_after_two_dashes() -> None:
    assert main.split(["connections", "show", "--", "--json"]).words == ("connections", "show", "--", "--json")
    assert build("main.py").parse(["connections", "show", "--", "--json"]).name == "--json"


@pytest.mark.parametrize("line", ["--data-dir", "--data-dir=", "status --data-dir", "--data-dir --json"])
def test_a_data_folder_must_be_named(line: str) -> None:
    with pytest.raises(ValueError, match="--data-dir needs a folder"):
        main.split(line.split())
