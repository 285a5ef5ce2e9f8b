"""How a watch is doing, as a record.  Pure."""

from __future__ import annotations

from datetime import datetime

from imsg_sdk.models import Record

__all__ = ["WatchStatus"]


class WatchStatus(Record, frozen=True, kw_only=True):
    """A look at a watch; counts are since it was made."""

    state: str
    """``starting``, ``catching_up``, ``live``, ``recovering`` or ``closed``."""
    last_rowid: int | None = None
    """The row that was handed out last."""
    handed_out: int = 0
    waiting: int = 0
    """Messages and reports that are here and not handed out yet."""
    lag_s: float = 0.0
    """For how long the oldest of them has waited to be taken, at most."""
    restarts: int = 0
    """How often the child was started anew."""
    resubscribed: int = 0
    """How often a subscription that reported nothing was replaced."""
    healed: int = 0
    """Messages that the subscription failed to report and that were found otherwise."""
    duplicates: int = 0
    """Rows that came again and were dropped."""
    open_holes: int = 0
    """Rows whose chat has not come yet; before imsg 0.14, rows that may be such."""
    silent_since: datetime | None = None
    """Since when the subscription misses rows; None if it does not."""
    last_heard_at: datetime | None = None
    """When the subscription reported something last."""
    last_error: str | None = None
    """What went wrong last, without private text; it may long be over."""
    failing_since: datetime | None = None
    """Since when nothing works; None if something does."""

    @property
    def is_live(self) -> bool:
        """Whether what arrives is handed out as it arrives."""
        return self.state == "live"

    def __repr__(self) -> str:
        return f"<WatchStatus {self.state}, {self.handed_out} handed out, {self.waiting} waiting>"
