"""White space and lengths as JavaScript has them: :mod:`imsg_sdk.text`, under the name the gateway knows."""

from __future__ import annotations

from imsg_sdk.text import SPACE, collapse, is_space, skip_space, trim, trim_end, trim_start, units

__all__ = ["SPACE", "collapse", "is_space", "skip_space", "trim", "trim_end", "trim_start", "units"]
