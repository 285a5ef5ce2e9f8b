"""Read settings, layer by layer: default, file, environment, keyword.

The file is JSON5 in the shape of the reference gateway: top-level ``imessage``, ``routing`` and ``messages``, or
``channels.imessage``, which wins key by key.  It may be part of a wider file.  ``json5`` is slow and is imported
only after strict JSON failed.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from imsg_sdk.addressing import AllowEntry, AllowKind
from imsg_sdk.config.entries import doubt_of
from imsg_sdk.config.keys import IGNORED, KEYS, Key, nearest, read_object, unknown_key
from imsg_sdk.config.settings import ClientConfig, DmPolicy, GatewayConfig, GroupConfig
from imsg_sdk.errors import ConfigError

_log = logging.getLogger(__name__)

ENVIRONMENT: Final = {"cli_path": "IMSG_SDK_CLI_PATH", "db_path": "IMSG_SDK_DB_PATH", "region": "IMSG_SDK_REGION"}
"""Fields that the environment may set, and its names for them."""

CONFIG_VARIABLE: Final = "IMSG_SDK_CONFIG"
"""Names the file to read where none is given."""

_OPEN: Final = frozenset(
    {"", "channels", "routing", "messages", "messages.inbound.byChannel", "session", "identity", "commands"}
)
"""Objects of a wider file: names that are not near to ours are left alone in them."""

_ONLY_OURS: Final = frozenset({"allowFrom", "dmPolicy", "groupPolicy", "groupAllowFrom", "cliPath", "dbPath"})
"""Names of the block that nothing else beside it has: at the top, the block around them was forgotten."""

_PLACES: Final = frozenset(place for key in KEYS for place in key.places)
_BLOCKS: Final = ("imessage", "channels.imessage")
_ACCOUNT_KEYS: Final = ("accounts", "defaultAccount")

Layer = dict[str, tuple[Any, str]]
"""Field -> (value, where it came from)."""


class Setting(msgspec.Struct, frozen=True):
    """One row of :meth:`Config.describe`."""

    name: str
    value: str
    origin: str
    meaning: str


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was read, and where from.

    ``account`` is the one the settings are those of, ``accounts`` all there are, ``ignored`` the keys of the file
    that do nothing here (logged once), ``warnings`` what else a gateway says at start.
    """

    client: ClientConfig = ClientConfig()
    gateway: GatewayConfig = GatewayConfig()
    account: str = "default"
    accounts: tuple[str, ...] = ()
    is_configured: bool = False
    """Whether the source has an ``imessage`` block, an empty one included."""
    ignored: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    origins: dict[str, str] = {}

    def describe(self) -> list[Setting]:
        """Return a row per setting: name, value, where it came from, and what it means.  Handles are redacted."""
        rows = []
        for key in KEYS:
            part: msgspec.Struct = self.client if key.field in ClientConfig.__struct_fields__ else self.gateway
            value = shown(getattr(part, key.field))
            rows.append(Setting(key.name, value, self.origins.get(key.field, "default"), key.doc))
        rows.extend(Setting(path, "", "file", "ignored: this package does not use it") for path in self.ignored)
        return rows


def shown(value: object) -> str:
    """Return a setting as text for people, handles redacted."""
    match value:
        case None:
            return "not set"
        case bool():
            return "true" if value else "false"
        case AllowEntry():
            return value.redacted
        case GroupConfig(require_mention=None):
            return "{}"
        case GroupConfig():
            return f"{{requireMention: {shown(value.require_mention)}}}"
        case tuple():
            return f"[{', '.join(map(shown, value))}]"
        case dict():
            return f"{{{', '.join(f'{name}: {shown(each)}' for name, each in value.items())}}}"
        case float():
            return f"{value:g}"
    return str(value)


def load_config(
    source: Path | str | Mapping[str, Any] | None = None,
    *,
    account: str | None = None,
    environ: Mapping[str, str] | None = None,
    **overrides: Any,
) -> Config:
    """Read settings from a file and put the environment and keywords over them.

    Parameters
    ----------
    source
        Path of a JSON5 file, its text, or its content; ``None`` takes the file that ``IMSG_SDK_CONFIG`` names, if any.
    account
        Which of ``accounts`` to take; ``None`` takes ``defaultAccount``, else ``default``, else the first.
    environ
        Instead of the process's environment.
    **overrides
        Fields by their names here, such as ``cli_path`` or ``allow_from``; they win.

    Raises
    ------
    ConfigError
        A key is unknown or its value invalid; ``path`` names it, ``suggestion`` the nearest known name.
    """
    environ = os.environ if environ is None else environ
    if source is None:
        source = Path(environ[CONFIG_VARIABLE]) if environ.get(CONFIG_VARIABLE) else {}
    root = _read_source(source)
    account, accounts, layers, ignored = _file_layers(root, account)
    layers += [_environment_layer(environ), _keyword_layer(overrides)]
    merged: Layer = {field: found for layer in layers for field, found in layer.items()}
    config = Config(
        client=_with_absolute_db(ClientConfig(**_fields_of(ClientConfig, merged))),
        gateway=GatewayConfig(**_fields_of(GatewayConfig, merged)),
        account=account,
        accounts=accounts,
        is_configured=_has_block(root),
        ignored=tuple(ignored),
        origins={field: origin for field, (_, origin) in merged.items()},
    )
    if ignored:
        _log.warning("settings that do nothing here: %s", ", ".join(ignored))
    return checked(config)


def checked(config: Config) -> Config:
    """Return settings with what a gateway says about them at start.

    Raises
    ------
    ConfigError
        They contradict each other.
    """
    _check_policies(config)
    return msgspec.structs.replace(config, warnings=tuple(_warnings(config)))


def _has_block(root: Mapping[str, Any]) -> bool:
    return "imessage" in root or "imessage" in root.get("channels", {})


def _fields_of(kind: type[msgspec.Struct], merged: Layer) -> dict[str, Any]:
    return {field: merged[field][0] for field in kind.__struct_fields__ if field in merged}


def _with_absolute_db(client: ClientConfig) -> ClientConfig:
    if client.db_path is None or client.remote_host is not None:  # on another Mac, ~ is another home
        return client
    return msgspec.structs.replace(client, db_path=str(Path(client.db_path).expanduser().absolute()))


# Layers of the file, the later ones win: what stands beside the block, the block, the account.


def _file_layers(root: Mapping[str, Any], account: str | None) -> tuple[str, tuple[str, ...], list[Layer], list[str]]:
    """Return the account chosen, all accounts, the layers of the file, and the names that do nothing here."""
    rest = dict(root)
    channels = rest["channels"] = dict(read_object(root.get("channels", {}), "channels"))
    blocks = {"imessage": rest.pop("imessage", {}), "channels.imessage": channels.pop("imessage", {})}
    ignored: list[str] = []
    layers = [_layer(rest, "", "", ignored)]
    per_account: dict[str, Layer] = {}
    wanted, block_layer = account, Layer()
    for path, block in blocks.items():
        settings = dict(read_object(block, path))
        for name, inner in read_object(settings.pop("accounts", {}), f"{path}.accounts").items():
            layer = _layer(inner, "imessage", f"{path}.accounts.{name}", ignored)
            per_account[_account_id(name)] = _over(layer, per_account.get(_account_id(name), {}))
        if "defaultAccount" in settings:
            default = _text(settings.pop("defaultAccount"), f"{path}.defaultAccount")
            wanted = default if account is None else account
        block_layer = _over(_layer(settings, "imessage", path, ignored), block_layer)
    chosen = _choose_account(wanted, sorted(per_account))
    own = dict(per_account.get(chosen, {}))
    if block_layer.get("enabled", (True, ""))[0] is False:
        own["enabled"] = block_layer["enabled"]  # the whole channel is off
    return chosen, tuple(sorted(per_account)), [*layers, block_layer, own], ignored


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(f"{path} must be text", path=path, hint="write the name of an account")
    return value


def _account_id(name: str) -> str:
    return re.sub(r"[^a-z0-9_-]", "-", name.strip().lower())[:64] or "default"


def _choose_account(wanted: str | None, accounts: list[str]) -> str:
    if wanted is None:
        return "default" if "default" in accounts or not accounts else accounts[0]
    name = _account_id(wanted)
    if name not in accounts and (accounts or name != "default"):
        raise ConfigError(
            f"there is no account {name}",
            path=f"imessage.accounts.{name}",
            suggestion=nearest(name, accounts),
            hint=f"accounts in the file: {', '.join(accounts) or 'none'}",
        )
    return name


def _over(winner: Layer, other: Layer) -> Layer:
    """Put `winner` over `other`; groups and their settings are merged one by one."""
    merged = {**other, **winner}
    if "groups" in winner and "groups" in other:
        groups = dict(other["groups"][0])
        for name, group in winner["groups"][0].items():
            below = groups.get(name, GroupConfig())
            mention = below.require_mention if group.require_mention is None else group.require_mention
            groups[name] = GroupConfig(require_mention=mention, extra={**below.extra, **group.extra})
        merged["groups"] = (groups, winner["groups"][1])
    return merged


def _layer(block: Any, canonical: str, path: str, ignored: list[str]) -> Layer:
    """Read one object of the file: every value is checked, also one that another place beats."""
    found: dict[str, tuple[str, Any]] = {}
    for place, written, value in _walk(block, canonical, path):
        if place in _PLACES:
            found[place] = (written, value)
        else:
            ignored.append(written)
    layer: Layer = {}
    for key in KEYS:
        for place in key.places:
            if place in found:
                written, value = found[place]
                layer.setdefault(key.field, (key.read(value, written), f"file, {written}"))
    return layer


def _walk(block: Any, canonical: str, path: str) -> Iterator[tuple[str, str, Any]]:
    """Yield (place, name as written, value) of every setting below an object; refuse unknown names.

    A place says ``imessage.x`` where the file says ``channels.imessage.x`` or ``imessage.accounts.<id>.x``.
    """
    names = _known_names(canonical)
    for name, value in read_object(block, path or "the file").items():
        place = f"{canonical}.{name}" if canonical else str(name)
        written = f"{path}.{name}" if path else str(name)
        if place in _PLACES or place in IGNORED or place.startswith("imessage.heartbeat"):
            yield place, written, value
        elif name in names:
            yield from _walk(value, place, written)
        elif place in _ONLY_OURS:
            raise ConfigError(f"{name} must stand in imessage", path=place, hint=f"write {{imessage: {{{name}: …}}}}")
        elif canonical not in _OPEN or any(_is_near(str(name), known) for known in names):
            raise unknown_key(path, str(name), [*names, *(_ACCOUNT_KEYS if path in _BLOCKS else ())])


def _known_names(parent: str) -> list[str]:
    prefix = f"{parent}." if parent else ""
    below = [place[len(prefix) :] for place in {*_PLACES, *IGNORED, "channels.imessage"} if place.startswith(prefix)]
    return sorted({place.split(".")[0] for place in below})


def _is_near(name: str, known: str) -> bool:
    """Tell whether two names differ by two letters at most."""
    one, other = name.casefold(), known.casefold()
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, right in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (left != right))
    return row[-1] <= 2


def _environment_layer(environ: Mapping[str, str]) -> Layer:
    by_field = {key.field: key for key in KEYS}
    return {
        field: (by_field[field].read(environ[name], name), f"environment, {name}")
        for field, name in ENVIRONMENT.items()
        if environ.get(name)
    }


def _keyword_layer(overrides: Mapping[str, Any]) -> Layer:
    by_field: dict[str, Key] = {key.field: key for key in KEYS}
    for name in overrides:
        if name not in by_field:
            raise unknown_key("", name, list(by_field))
    given = {name: value for name, value in overrides.items() if value is not None}
    return {name: (by_field[name].take(value, name), "keyword") for name, value in given.items()}


# What only the whole can show.


def _check_policies(config: Config) -> None:
    gateway = config.gateway
    stars = any(entry.kind is AllowKind.ANYONE for entry in gateway.allow_from)
    if gateway.dm_policy is DmPolicy.OPEN and not stars:
        raise ConfigError(
            'dmPolicy "open" needs "*" in allowFrom',
            path="imessage.dmPolicy",
            hint='write allowFrom: ["*"] to answer everyone, or dmPolicy: "allowlist"',
        )


def _warnings(config: Config) -> Iterator[str]:
    if config.gateway.dm_policy is DmPolicy.ALLOWLIST and not config.gateway.allow_from:
        yield "imessage.allowFrom is empty: nobody is answered in direct messages"
    stars = any(entry.kind is AllowKind.ANYONE for entry in config.gateway.allow_from)
    if stars and config.gateway.dm_policy in (DmPolicy.ALLOWLIST, DmPolicy.PAIRING):
        yield 'imessage.allowFrom has "*": everybody is answered in direct messages, strangers too'
    for key, entries in (
        ("imessage.allowFrom", config.gateway.allow_from),
        ("imessage.groupAllowFrom", config.gateway.group_allow_from or ()),
    ):
        for index, entry in enumerate(entries):
            if doubt := doubt_of(entry, config.client.region):
                yield f"{key}[{index}] {doubt}"


# Reading the text.


def _read_source(source: Path | str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(source, Mapping):
        return source
    if isinstance(source, str) and not source.strip():
        raise ConfigError("the settings are an empty text", hint="give the path of a file, its content, or nothing")
    if isinstance(source, str) and ("{" in source or "\n" in source):
        return _parse(source, "the text")
    path = Path(source).expanduser()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise ConfigError(f"the settings file {path} cannot be read: {reason}", hint="check the path") from None
    return _parse(text, str(path))


def _parse(text: str, name: str) -> Mapping[str, Any]:
    try:
        root = json.loads(text)
    except (ValueError, RecursionError):
        root = _parse_json5(text, name)
    if not isinstance(root, dict):
        raise ConfigError(f"{name} does not hold an object", hint="the outermost thing is { … }")
    return root


def _parse_json5(text: str, name: str) -> Any:
    import json5

    try:
        return json5.loads(text)
    except (ValueError, RecursionError) as error:
        reason = re.sub(r"\s+", " ", str(error))[:200] if isinstance(error, ValueError) else "nested too deeply"
        reason = re.sub(r"^<string>:(\d+) ", r"line \1: ", reason)
        raise ConfigError(f"{name} is not JSON5: {reason}", hint="look at the line and column named") from None
