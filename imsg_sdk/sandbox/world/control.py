"""The methods ``sandbox.…``: what time it is, what people do, what there is and what is broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec

from imsg_sdk.rpc import protocol
from imsg_sdk.sandbox.world.accounts import Person
from imsg_sdk.sandbox.world.agenda import Agenda
from imsg_sdk.sandbox.world.world import NewChat, World
from imsg_sdk.server.faults import RpcError

if TYPE_CHECKING:
    from imsg_sdk.sandbox.world.answers import Answers

__all__ = ["DEEDS", "Control", "Switches"]

Params = dict[str, Any]
Result = dict[str, Any]

DEEDS: Final = ("receive", "tapback", "edit", "unsend", "typing", "read", "group")
"""What others can do, by the names of their methods and entries."""
_MOST: Final = 100_000
_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "sandbox.now": (),
    "sandbox.advance": ("seconds",),
    "sandbox.run_until_idle": ("limit",),
    "sandbox.people": ("add",),
    "sandbox.sent": ("since",),
    "sandbox.state": (),
}
"""What the methods take whose params are no records."""


class Switches(msgspec.Struct, forbid_unknown_fields=True):
    """What can be switched while a world goes on."""

    bridge: bool = True
    """Whether there is a bridge: all that is more than plain sending."""
    automation: bool = True
    """Whether Messages may be automated: without it nothing is sent but by the bridge."""
    messages: bool = True
    """Whether there is a Messages at all."""
    version: str | None = None
    """Another version of the program."""
    methods: list[str] | None = None
    """The only methods there are."""
    without: list[str] = []
    """Methods that there are not."""
    others: Literal["friendly", "silent"] = "silent"
    """What people do who have no script."""
    body_only: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.3
    """How many texts stand in the body only."""


_SWITCHES: Final = {name: getattr(Switches(), name) for name in Switches.__struct_fields__}


class Control:
    """Carries out ``sandbox.…``.

    Parameters
    ----------
    world, agenda, answers
        What is controlled; the last is made when it is needed.
    """

    def __init__(self, world: World, agenda: Agenda, answers: Callable[[], Answers]) -> None:
        self._world = world
        self._answers = answers
        self._agenda = agenda
        self.keys: dict[str, tuple[str, ...]] = dict(_KEYS)
        self.methods: dict[str, Callable[[Params], Result]] = {
            "sandbox.now": self._now,
            "sandbox.advance": self._advance,
            "sandbox.run_until_idle": self._run_until_idle,
            "sandbox.people": self._people,
            "sandbox.switch": self._switch,
            "sandbox.chat": self._chat,
            "sandbox.sent": self._sent,
            "sandbox.state": self._state,
        }
        for name in DEEDS:
            self.methods[f"sandbox.{name}"] = self._doing(name)

    def call(self, method: str, params: Params) -> Result:
        """Answer one of the methods."""
        if method not in self.methods:
            raise RpcError(protocol.METHOD_NOT_FOUND, method)
        if unknown := params.keys() - self.keys.get(method, params.keys()):
            raise RpcError.invalid_params(f"unknown {method} param: {min(unknown)}")
        try:
            return self.methods[method](params)
        except KeyError as error:
            raise RpcError.invalid_params(f"needs {error.args[0]}") from None
        except (LookupError, TypeError, ValueError) as error:
            raise RpcError.invalid_params(str(error).partition("\n")[0]) from None

    def _now(self, params: Params) -> Result:
        return {"now_us": self._world.state.now_us()}

    def _advance(self, params: Params) -> Result:
        seconds = float(params["seconds"])
        if not 0 <= seconds <= 1e9:
            raise ValueError("seconds must be 0 or more")
        done = self._agenda.advance(seconds)
        return {"now_us": self._world.state.now_us(), "done": done}

    def _run_until_idle(self, params: Params) -> Result:
        done = self._agenda.run_until_idle(int(params.get("limit", _MOST)))
        return {"now_us": self._world.state.now_us(), "done": done, "is_idle": self._world.state.is_idle}

    def _people(self, params: Params) -> Result:
        people = msgspec.convert(params.get("add", []), list[Person])
        self._answers().admit(people)
        return {"people": [msgspec.to_builtins(person) for person in self._world.circle.all()]}

    def _switch(self, params: Params) -> Result:
        switches = msgspec.convert(params, Switches)
        state = self._world.state
        with self._world.turn():
            for name in params:
                state.put(name, getattr(switches, name))
        return {name: state.get(name, default) for name, default in _SWITCHES.items()}

    def _chat(self, params: Params) -> Result:
        wanted = msgspec.convert(params, NewChat)
        chat = self._world.make_chat(wanted)
        return {"chat_id": chat.rowid, "guid": chat.guid}

    def _sent(self, params: Params) -> Result:
        acts = self._world.state.listed("act", int(params.get("since", 0)))
        return {"sent": [{"id": number, **act} for number, act in acts]}

    def _state(self, params: Params) -> Result:
        state = self._world.state
        return {
            "now_us": state.now_us(),
            "clock": "virtual" if state.is_virtual else "real",
            "seed": state.get("seed", 0),
            "accounts": [account.address for account in self._world.accounts.all],
            "agenda": [msgspec.to_builtins(entry) for entry in state.entries()],
            "faults": [{"id": number, **value} for number, value in state.listed("fault")],
        }

    def _doing(self, kind: str) -> Callable[[Params], Result]:
        """Return what lets somebody do something, now or `after_s` seconds later."""

        def do(params: Params) -> Result:
            from imsg_sdk.sandbox.world.deeds import check_deed

            after_s = params.pop("after_s", None)
            check_deed(kind, params)
            if after_s is not None:
                self._world.after(float(after_s), kind, **params)
                return {"ok": True}
            with self._world.turn():
                return self._world.do(kind, params)

        return do
