"""Every configuration that the reference was recorded with loads, unless a decided difference refuses it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from imsg_sdk.config import load_config
from imsg_sdk.errors import ConfigError


def under_base_rules(config: dict[str, Any]) -> dict[str, Any]:
    """Map a configuration of the reference to one that means the same here."""
    block = dict(config.get("imessage", {}))
    for key in ("allowFrom", "groupAllowFrom"):
        if key in block:
            block[key] = [entry for entry in block[key] if str(entry).strip()]
    if not block.get("allowFrom"):
        block.update(dmPolicy="open", allowFrom=["*"])
        block.setdefault("groupAllowFrom", [])
    elif any(str(entry).strip() == "*" for entry in block["allowFrom"]):
        block.setdefault("groupAllowFrom", block["allowFrom"])
    block.setdefault("groupPolicy", "open")
    return {**config, "imessage": block}


def test_recorded_configurations_load(golden: Path) -> None:
    lines = (golden / "gateway_cases.jsonl").read_text(encoding="utf-8").splitlines()
    refused: dict[str, int] = {}
    for line in lines:
        config = json.loads(line)["case"]["config"]
        try:
            load_config(under_base_rules(config), environ={})
        except ConfigError as error:
            refused[error.message.partition(": ")[2] or error.message] = refused.get(error.message, 0) + 1
    # Decided: an allow entry that names no chat is an error here and a stray handle there.
    assert all("names no chat" in reason or "names nobody" in reason for reason in refused), refused
    assert len(lines) == 240
