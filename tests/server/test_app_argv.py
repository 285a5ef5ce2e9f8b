"""The command line of imsg, word by word."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imsg_sdk.server.dialect import Dialect
from imsg_sdk.server.shell.argv import COMMANDS, UsageError, read_argv


@pytest.mark.parametrize(
    ("line", "wants", "command"),
    [
        ("", "help", None),
        ("--help", "help", None),
        ("nope -h", "help", None),
        ("rpc --db x -h", "help", "rpc"),
        ("--version", "version", None),
        ("rpc -- -V", "version", "rpc"),
        ("--extended --dialect legacy", "help", None),
        ("rpc", "run", "rpc"),
    ],
)
def test_help_and_version_are_heard_anywhere(line: str, wants: str, command: str | None) -> None:
    asked = read_argv(line.split())
    assert (asked.wants, asked.command) == (wants, command)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("nope", "Unknown subcommand 'nope' for command 'imsg'"),
        ("--foo", "Command 'imsg' requires a subcommand"),
        ("rpc --bogus", "Unknown option --bogus"),
        ("rpc --bogus=1", "Unknown option --bogus"),
        ("rpc extra", "Unexpected argument: extra"),
        ("scheduled list more", "Unexpected argument: more"),
        ("rpc --db", "Missing value for option --db"),
        ("rpc --db --json", "Missing value for option --db"),
        ("rpc --dialect v2", "Invalid value for option: --dialect"),
        ("rpc --dialect", "Invalid value for option: --dialect"),
    ],
)
def test_words_without_sense_are_refused_in_one_line(line: str, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_argv(line.split())
    assert str(caught.value) == text


def test_own_options_stand_anywhere() -> None:
    for line in (
        "--dialect legacy rpc --extended",
        "rpc --extended --dialect=legacy",
        "--extended rpc --dialect legacy",
    ):
        asked = read_argv(line.split())
        assert (asked.command, asked.dialect, asked.extended, asked.values) == ("rpc", Dialect.LEGACY, True, {})


def test_last_value_of_an_option_wins() -> None:
    assert read_argv(["rpc", "--db", "a", "--db=b"]).text("db") == "b"


def test_all_spellings_of_json_are_one() -> None:
    for word in ("--json", "-j", "--json-output", "--jsonOutput"):
        assert read_argv(["chats", word]).flag("json")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-1", -1),
        ("+4", 4),
        ("x", 20),
        ("1_0", 20),
        ("٣", 20),
        ("9" * 30, 20),
        ("1" * 5000, 20),
        ("0" * 5000 + "7", 7),
    ],
)
def test_numbers_that_cannot_be_read_count_as_not_given(text: str, value: int) -> None:
    assert read_argv(["chats", "--limit", text]).integer("limit", 20) == value


def test_participants_may_be_several_words_or_one_with_commas() -> None:
    asked = read_argv(["history", "--participants", "a", "b,c", "--chat-id", "1"])
    assert asked.texts("participants") == ["a", "b", "c"]
    assert asked.integer("chat-id") == 1


@given(
    st.lists(
        st.sampled_from([*COMMANDS, "--db", "--limit", "-1", "x", "--json", "--", "-", "=", "--db=", "--extended"])
    )
)
def test_any_words_are_understood_or_refused(words: list[str]) -> None:
    with suppress(UsageError):
        asked = read_argv(words)
        assert asked.command is None or asked.command in COMMANDS
