"""Settings: both shapes of the file, the order of sources, and errors that name the key."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from imsg_sdk.addressing import Service
from imsg_sdk.config import Config, DmPolicy, GroupConfig, GroupPolicy, ReactionMode, load_config
from imsg_sdk.errors import ConfigError

SAMPLE = """
// everything a first file holds
{
  imessage: {
    enabled: true,
    cliPath: "/usr/local/bin/imsg",
    dbPath: "~/Library/Messages/chat.db",
    allowFrom: ["+15555550123", "user@example.com", "chat_id:123", 15550004444],
    groupPolicy: "open",
    groupAllowFrom: ["chat_id:42"],
    includeAttachments: true,
    mediaMaxMb: 8.5,
    service: "sms",
    region: "GB",
    groups: { "*": { requireMention: true }, "42": { requireMention: false, systemPrompt: "short" }, },
  },
  routing: { groupChat: { mentionPatterns: ["@sam", "\\\\bsam\\\\b"] } },
}
"""


def load(source: Any = None, **keywords: Any) -> Config:
    """Load without the environment of whoever runs the tests."""
    return load_config({} if source is None else source, environ={}, **keywords)


def refused(source: Any, **keywords: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load(source, **keywords)
    return caught.value


def test_every_key_of_the_sample_is_read() -> None:
    config = load(SAMPLE)
    assert config.client.cli_path == "/usr/local/bin/imsg"
    assert config.client.db_path == str(Path.home() / "Library/Messages/chat.db")
    assert (config.client.service, config.client.region) == (Service.SMS, "GB")
    gateway = config.gateway
    assert gateway.enabled
    assert gateway.include_attachments
    assert [entry.value for entry in gateway.allow_from] == ["+15555550123", "user@example.com", 123, "+15550004444"]
    assert gateway.group_policy is GroupPolicy.OPEN
    assert [entry.value for entry in gateway.group_allow_from or ()] == [42]
    assert gateway.media_max_mb == 8.5
    assert gateway.groups == {
        "*": GroupConfig(require_mention=True),
        "42": GroupConfig(require_mention=False, extra={"systemPrompt": "short"}),
    }
    assert gateway.mention_patterns == ("@sam", "\\bsam\\b")
    assert not config.ignored


def test_without_a_file_nobody_is_answered() -> None:
    gateway = load().gateway
    assert gateway.dm_policy is DmPolicy.ALLOWLIST
    assert gateway.group_policy is GroupPolicy.ALLOWLIST
    assert gateway.allow_from == ()
    assert gateway.group_allow_from is None
    assert any("imessage.allowFrom" in warning for warning in load().warnings)


def test_channels_imessage_wins_and_imessage_fills_the_gaps() -> None:
    config = load(
        {
            "imessage": {
                "cliPath": "old",
                "region": "DE",
                "groups": {"1": {"requireMention": True}, "2": {"requireMention": True, "tools": 1}},
            },
            "channels": {
                "imessage": {"cliPath": "new", "groups": {"2": {"requireMention": False}, "3": {}}},
                "telegram": {"anything": 1},
            },
        }
    )
    assert config.client.cli_path == "new"
    assert config.client.region == "DE"
    assert config.gateway.groups == {
        "1": GroupConfig(require_mention=True),
        "2": GroupConfig(require_mention=False, extra={"tools": 1}),
        "3": GroupConfig(),
    }
    assert config.origins["cli_path"] == "file, channels.imessage.cliPath"
    assert config.origins["region"] == "file, imessage.region"


def test_later_places_of_a_key_win_over_earlier_ones() -> None:
    old = {"routing": {"groupChat": {"mentionPatterns": ["old"]}}}
    new = {"messages": {"groupChat": {"mentionPatterns": ["new"], "historyLimit": 7}, "responsePrefix": "P"}}
    assert load(old).gateway.mention_patterns == ("old",)
    assert load(old | new).gateway.mention_patterns == ("new",)
    assert load(new).gateway.history_limit == 7
    assert load(new | {"imessage": {"historyLimit": 3, "responsePrefix": ""}}).gateway.history_limit == 3
    assert load(new | {"imessage": {"responsePrefix": ""}}).gateway.response_prefix == ""


def test_adopted_keys_of_later_versions_are_kept() -> None:
    config = load(
        {
            "channels": {
                "imessage": {
                    "dmPolicy": "pairing",
                    "historyLimit": 500,
                    "textChunkLimit": 900,
                    "streaming": {"chunkMode": "newline"},
                    "remoteHost": "bot@mac-mini.local",
                    "dbPath": "~/Library/Messages/chat.db",
                    "attachmentRoots": ["/Users/*/Pictures"],
                    "remoteAttachmentRoots": [],
                    "responsePrefix": "R",
                    "probeTimeoutMs": 2500,
                    "sendTransport": "bridge",
                    "sendReadReceipts": False,
                    "reactionNotifications": "own",
                    "name": "home",
                }
            },
            "messages": {"inbound": {"debounceMs": 500, "byChannel": {"imessage": 250, "telegram": "x"}}},
            "identity": {"name": "Sam", "emoji": "x"},
            "session": {"scope": "global"},
            "commands": {"useAccessGroups": True},
        }
    )
    gateway = config.gateway
    assert gateway.dm_policy is DmPolicy.PAIRING
    assert gateway.history_limit == 200
    assert gateway.text_chunk_limit == 900
    assert gateway.chunk_mode == "newline"
    assert gateway.attachment_roots == ("/Users/*/Pictures",)
    assert gateway.reaction_notifications is ReactionMode.OWN
    assert gateway.debounce_ms == 250
    assert gateway.identity_name == "Sam"
    assert gateway.session_scope == "global"
    assert gateway.use_access_groups is True
    assert config.client.startup_timeout_s == 2.5
    assert config.client.remote_host == "bot@mac-mini.local"
    assert config.client.db_path == "~/Library/Messages/chat.db"


def test_keys_that_are_not_adopted_load_and_are_named_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "imsg_sdk"):
        config = load(
            {
                "imessage": {"catchup": {"on": 1}, "actions": {}, "heartbeatTarget": 1, "streaming": {"block": 1}},
                "routing": {"queue": {"mode": "collect"}, "groupChat": {"historyLimit": 3}},
                "session": {"mainKey": "other"},
            }
        )
    assert set(config.ignored) == {
        "imessage.catchup",
        "imessage.actions",
        "imessage.heartbeatTarget",
        "imessage.streaming.block",
        "routing.queue",
        "routing.groupChat.historyLimit",
        "session.mainKey",
    }
    assert [record.message.count("imessage.catchup") for record in caplog.records] == [1]
    assert {row.name for row in config.describe() if "ignored" in row.meaning} == set(config.ignored)


@pytest.mark.parametrize("name", ["allowFrom", "dmPolicy", "cliPath"])
def test_settings_without_their_block_are_an_error_that_names_it(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({name: ["+15551234567"]})
    assert caught.value.path == name
    assert "imessage" in caught.value.message


def test_other_parts_of_a_wider_file_are_left_alone() -> None:
    config = load({"agents": {"list": []}, "models": 1, "channels": {"telegram": 2}, "routing": {"agents": {}}})
    assert config.ignored == ()


@pytest.mark.parametrize(
    ("source", "path", "suggestion"),
    [
        ({"imessage": {"allowfrom": []}}, "imessage.allowfrom", "allowFrom"),
        ({"imessage": {"allow_from": []}}, "imessage.allow_from", "allowFrom"),
        ({"imessage": {"mediaMaxMB": 3}}, "imessage.mediaMaxMB", "mediaMaxMb"),
        ({"imessage": {"acounts": {}}}, "imessage.acounts", "accounts"),
        ({"imessage": {"xyzzy": 1}}, "imessage.xyzzy", None),
        ({"channels": {"imessage": {"cliPaht": ""}}}, "channels.imessage.cliPaht", "cliPath"),
        ({"channels": {"iMessage": {}}}, "channels.iMessage", "imessage"),
        ({"imesage": {}}, "imesage", "imessage"),
        ({"mesages": {}}, "mesages", "messages"),
        ({"routing": {"groupchat": {}}}, "routing.groupchat", "groupChat"),
        (
            {"routing": {"groupChat": {"mentionPattern": []}}},
            "routing.groupChat.mentionPattern",
            "mentionPatterns",
        ),
        (
            {"imessage": {"groups": {"42": {"requireMentions": True}}}},
            "imessage.groups.42.requireMentions",
            "requireMention",
        ),
        (
            {"imessage": {"accounts": {"Work": {"cliPth": "x"}}}},
            "imessage.accounts.Work.cliPth",
            "cliPath",
        ),
    ],
)
def test_an_unknown_key_is_an_error_with_the_nearest_name(source: Any, path: str, suggestion: str | None) -> None:
    error = refused(source)
    assert (error.path, error.suggestion) == (path, suggestion)
    assert path in error.message
    assert error.hint


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("enabled", "yes"),
        ("enabled", None),
        ("cliPath", 3),
        ("dbPath", []),
        ("allowFrom", "+1555"),
        ("allowFrom", None),
        ("groupPolicy", None),
        ("groupPolicy", "Open"),
        ("dmPolicy", "everyone"),
        ("service", "SMS"),
        ("mediaMaxMb", 0),
        ("mediaMaxMb", True),
        ("mediaMaxMb", float("inf")),
        ("textChunkLimit", 0),
        ("textChunkLimit", 1.5),
        ("historyLimit", -1),
        ("remoteHost", "-oProxyCommand=x"),
        ("remoteHost", "mac;rm"),
        ("probeTimeoutMs", -5),
        ("groups", []),
        ("streaming", 3),
    ],
)
def test_an_invalid_value_is_an_error_with_its_path(key: str, value: Any) -> None:
    error = refused({"imessage": {key: value}})
    assert error.path == f"imessage.{key}"
    assert error.hint


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ({"imessage": {"groups": {"42": None}}}, "imessage.groups.42"),
        ({"imessage": {"groups": {"42": {"requireMention": None}}}}, "imessage.groups.42.requireMention"),
        ({"imessage": {"allowFrom": ["+1555", " "]}}, "imessage.allowFrom[1]"),
        ({"imessage": {"allowFrom": ["chat_id:abc"]}}, "imessage.allowFrom[0]"),
        ({"imessage": {"groupAllowFrom": ["guid:"]}}, "imessage.groupAllowFrom[0]"),
        ({"imessage": {"allowFrom": [True]}}, "imessage.allowFrom[0]"),
        ({"imessage": {"attachmentRoots": ["Pictures"]}}, "imessage.attachmentRoots[0]"),
        ({"imessage": []}, "imessage"),
        ({"channels": 3}, "channels"),
        ({"routing": {"groupChat": {"mentionPatterns": [3]}}}, "routing.groupChat.mentionPatterns[0]"),
        ({"imessage": {"cliPath": 1}, "channels": {"imessage": {"cliPath": "ok"}}}, "imessage.cliPath"),
    ],
)
def test_an_invalid_value_further_down_is_an_error_with_its_path(source: Any, path: str) -> None:
    assert refused(source).path == path


def test_a_malformed_entry_is_named() -> None:
    assert "chat_id:abc" in refused({"imessage": {"allowFrom": ["chat_id:abc"]}}).message


def test_a_wrong_choice_names_the_nearest_one() -> None:
    error = refused({"imessage": {"groupPolicy": "allow-list"}})
    assert error.suggestion == "allowlist"
    assert "not 'allow-list'" in error.message
    assert '"allowlist"' in error.hint
    assert "not 3" in refused({"imessage": {"dmPolicy": 3}}).message


@pytest.mark.parametrize(
    ("entry", "doubt"),
    [
        ("Nora", "neither a digit nor an @"),
        ("+", "neither a digit nor an @"),
        ("07700 900118", "no country code"),
        ("212-555-1234", "seems to lack"),
        ("+447700900118", None),
        (15551234567, None),
        ("262966", None),
        ("+45 32 12 34 56", None),
        ("nora@example.org", None),
        ("chat_id:7", None),
    ],
)
def test_entries_that_are_hardly_meant_so_are_pointed_out(entry: str | int, doubt: str | None) -> None:
    for key in ("allowFrom", "groupAllowFrom"):
        found = [text for text in load({"imessage": {key: [entry]}}).warnings if f"{key}[0]" in text]
        assert len(found) == (doubt is not None)
        assert all(str(doubt) in text and "Nora" not in text for text in found)


def test_an_open_door_needs_a_star() -> None:
    assert refused({"imessage": {"dmPolicy": "open", "allowFrom": ["+1555"]}}).path == "imessage.dmPolicy"
    assert load({"imessage": {"dmPolicy": "open", "allowFrom": ["*"]}}).gateway.dm_policy is DmPolicy.OPEN


def test_blank_texts_count_as_not_given() -> None:
    config = load({"imessage": {"cliPath": " ", "dbPath": "", "region": " "}})
    assert (config.client.cli_path, config.client.db_path, config.client.region) == ("imsg", None, "US")


def test_keyword_beats_environment_beats_file_beats_default(tmp_path: Path) -> None:
    source = {"imessage": {"cliPath": "file", "dbPath": "/file.db", "region": "DE"}}
    environ = {"IMSG_SDK_CLI_PATH": "environment", "IMSG_SDK_DB_PATH": "/environment.db"}
    config = load_config(source, environ=environ, cli_path="keyword", db_path=None)
    assert config.client.cli_path == "keyword"
    assert config.client.db_path == "/environment.db"
    assert config.client.region == "DE"
    origin = {row.name: row.origin for row in config.describe()}
    assert origin["imessage.cliPath"] == "keyword"
    assert origin["imessage.dbPath"] == "environment, IMSG_SDK_DB_PATH"
    assert origin["imessage.region"] == "file, imessage.region"
    assert origin["imessage.service"] == "default"


def test_a_keyword_is_checked_like_a_key_of_the_file(tmp_path: Path) -> None:
    assert load(db_path=tmp_path / "chat.db").client.db_path == str(tmp_path / "chat.db")
    assert load(startup_timeout_s=3).client.startup_timeout_s == 3
    assert len(load(allow_from=("a@b.c",)).gateway.allow_from) == 1
    assert refused({}, dbpath="x").suggestion == "db_path"
    assert refused({}, media_max_mb=-1).path == "media_max_mb"


def test_the_environment_may_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.json5"
    path.write_text("{imessage: {region: 'FR'}}", encoding="utf-8")
    assert load_config(environ={"IMSG_SDK_CONFIG": str(path)}).client.region == "FR"


def test_a_file_may_be_plain_json_or_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text("\ufeff" + json.dumps({"imessage": {"region": "FR"}}), encoding="utf-8")
    assert load(path).client.region == "FR"
    assert load(str(path)).client.region == "FR"


@pytest.mark.parametrize("text", ["{imessage: ", "[1]", "{" * 5000, "{a: 1} x\n"])
def test_text_that_is_no_json5_object_is_an_error(text: str) -> None:
    assert refused(text + "\n").hint


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "none.json").message
    assert "cannot be read" in refused(tmp_path).message
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refused(tmp_path / "binary").message


def test_an_account_lies_over_the_block_and_replaces_lists_and_groups() -> None:
    source = {
        "imessage": {
            "region": "DE",
            "groups": {"1": {}},
            "accounts": {"Work Phone": {"groups": {"2": {}}, "region": "GB"}, "b": {}},
            "defaultAccount": "Work Phone",
        }
    }
    config = load(source)
    assert config.account == "work-phone"
    assert config.accounts == ("b", "work-phone")
    assert config.client.region == "GB"
    assert config.gateway.groups == {"2": GroupConfig()}
    assert load(source, account="b").gateway.groups == {"1": GroupConfig()}
    assert refused(source, account="word-phone").suggestion == "work-phone"


def test_a_channel_that_is_off_is_off_for_every_account() -> None:
    off = {"imessage": {"enabled": False, "accounts": {"a": {"enabled": True}}}}
    assert load(off).gateway.enabled is False


def test_accounts_do_not_nest() -> None:
    assert refused({"imessage": {"accounts": {"a": {"accounts": {}}}}}).path == "imessage.accounts.a.accounts"


def test_describe_shows_no_handle() -> None:
    text = repr(load({"imessage": {"allowFrom": ["+15551234567", "jane@example.com"]}}).describe())
    assert "1234" not in text
    assert "jane" not in text
    assert "+15…67" in text


def test_every_setting_has_a_row() -> None:
    rows = load().describe()
    fields = {row.name for row in rows}
    assert {"imessage.cliPath", "imessage.groups", "messages.groupChat.mentionPatterns", "read_timeout_s"} <= fields
    assert all(row.meaning and row.value for row in rows)


def test_empty_text_is_no_settings() -> None:
    with pytest.raises(ConfigError, match="empty"):
        load_config(" ", environ={})
