"""The state of a gateway as a notebook shows it: text and HTML, no scripts, no widgets, no private text."""

from __future__ import annotations

import html
from typing import Any, Final

from imsg_sdk.gateway.live.status import GatewayState, GatewayStatus

__all__ = ["Panel"]

_COLOURS: Final = {
    GatewayState.RUNNING: "#15803d",
    GatewayState.CATCHING_UP: "#3b82f6",
    GatewayState.STARTING: "#3b82f6",
    GatewayState.RECOVERING: "#b45309",
    GatewayState.FAILED: "#b91c1c",
}
_GREY: Final = "#6b7280"
_SHOWN: Final = 8
_WARNINGS: Final = 3
_CELL: Final = "padding:0 1em 0 0;text-align:left;font-variant-numeric:tabular-nums"


class Panel:
    """One state of a gateway."""

    def __init__(self, status: GatewayStatus) -> None:
        self.status = status

    def __repr__(self) -> str:
        lines = [str(self.status)]
        lines += [f"{_time(each.at)}  chat {_chat(each.chat_id)}  {each.what}" for each in self._recent()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        status = self.status
        colour = _COLOURS.get(status.state, _GREY)
        head = (
            f'<span style="background:{colour};color:#fff;border-radius:0.6em;padding:0.1em 0.7em">'
            f"{html.escape(status.state.replace('_', ' '))}</span> "
            f"<b>{html.escape(status.account)}</b> · mode {html.escape(status.mode)} · {status.per_minute:,} a minute"
        )
        return (
            f'<div style="font-size:0.9em;line-height:1.6">{head}{self._counts()}{self._happenings()}'
            f"{''.join(self._notes())}</div>"
        )

    def _counts(self) -> str:
        status = self.status
        counts: dict[str, Any] = {
            "received": status.received,
            "dispatched": status.dispatched,
            "dropped": status.unanswered,
            "own": status.own,
            "waiting": status.waiting + status.held_back,
            "sent": status.sent,
            "not sent": sum(status.sends.values()) - status.sent,
            "handler errors": status.handler_errors,
        }
        names = "".join(f'<th style="{_CELL};font-weight:normal;opacity:0.7">{name}</th>' for name in counts)
        values = "".join(f'<td style="{_CELL};font-size:1.3em">{value:,}</td>' for value in counts.values())
        return f"<table><tr>{names}</tr><tr>{values}</tr></table>"

    def _happenings(self) -> str:
        rows = "".join(
            f'<tr><td style="{_CELL}">{_time(each.at)}</td><td style="{_CELL}">chat {_chat(each.chat_id)}</td>'
            f'<td style="{_CELL}">{html.escape(each.what)}</td></tr>'
            for each in self._recent()
        )
        return f"<table>{rows}</table>" if rows else ""

    def _notes(self) -> list[str]:
        status = self.status
        notes = [f"last error: {status.last_error}"] if status.last_error else []
        notes += status.warnings[-_WARNINGS:]
        return [f'<div style="color:#b45309">{html.escape(note)}</div>' for note in notes]

    def _recent(self) -> list[Any]:
        return list(reversed(self.status.recent))[:_SHOWN]


def _time(at: Any) -> str:
    return f"{at.astimezone():%H:%M:%S}"


def _chat(chat_id: int | None) -> str:
    return "–" if chat_id is None else str(chat_id)
