"""Who handles a message: functions registered by decorator, with filters and middleware.

A registry only finds and chains; it starts no task and catches no error.  The first handler whose filters all hold
gets the message.  Registering a function of the same module and name again replaces it in place, so that a notebook
cell can be run again.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, TypeVar

import msgspec

from imsg_sdk.addressing import normalize_handle
from imsg_sdk.errors import UsageError
from imsg_sdk.gateway.context import Context

__all__ = [
    "Filter",
    "Handler",
    "HandlerFunction",
    "Handlers",
    "MiddlewareFunction",
    "check_signature",
    "is_async",
    "name_of",
]

HandlerFunction = Callable[[Context], Any]
"""``def`` or ``async def``, or a generator of either kind; returns or yields replies."""
MiddlewareFunction = Callable[[Context, HandlerFunction], Any]
"""Gets the context and what comes after it; an ``async def`` can always await that."""
Filter = Callable[[Context], bool]

F = TypeVar("F", bound=Callable[..., Any])


class Handler(msgspec.Struct, frozen=True):
    """A registered function, its name and its filters."""

    name: str
    function: HandlerFunction
    filters: tuple[Filter, ...] = ()

    def accepts(self, context: Context) -> bool:
        """Tell whether all filters hold."""
        return all(each(context) for each in self.filters)

    def __repr__(self) -> str:
        return f"<Handler {self.name}>"


class Handlers:
    r"""A registry of handlers and middleware, in the order of their registration.

    Examples
    --------
    >>> handlers = Handlers()
    >>> @handlers.message(text=r"^hi\b")
    ... def greet(context):
    ...     return "hello"
    """

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._middleware: dict[str, MiddlewareFunction] = {}

    def __len__(self) -> int:
        return len(self._handlers)

    def __repr__(self) -> str:
        return f"<Handlers {', '.join(self._handlers) or 'none'}>"

    def message(
        self,
        function: F | None = None,
        *,
        is_group: bool | None = None,
        chat_id: int | Iterable[int] | None = None,
        sender: str | Iterable[str] | None = None,
        text: str | re.Pattern[str] | None = None,
        where: Filter | None = None,
        name: str | None = None,
    ) -> Any:
        """Register a function for the messages that every given filter admits; use it as a decorator.

        Parameters
        ----------
        function
            The function, when used without arguments.
        is_group
            Only groups, or only direct messages.
        chat_id, sender
            One or several; senders in any spelling.
        text
            Regular expression to be found in the text.
        where
            Any other condition on the context.
        name
            Instead of module and name of the function, to tell apart what is made in a loop.

        Raises
        ------
        UsageError
            The function cannot be called with a context, or `text` is no regular expression.
        """
        filters = tuple(_filters(is_group=is_group, chat_id=chat_id, sender=sender, text=text, where=where))

        def register(function: F) -> F:
            check_signature(function, "context")
            key = name or name_of(function)
            self._handlers[key] = Handler(key, function, filters)
            return function

        return register if function is None else register(function)

    def middleware(self, function: F) -> F:
        """Register a function that is called around every handler: ``function(context, call_next)``."""
        check_signature(function, "context", "call_next")
        self._middleware[name_of(function)] = function
        return function

    def remove(self, name: str) -> bool:
        """Take a handler or middleware out; tell whether it was there."""
        known = [registry.pop(name, None) for registry in (self._handlers, self._middleware)]
        return any(each is not None for each in known)

    def find(self, context: Context) -> Handler | None:
        """Return the first handler whose filters hold."""
        # Of a copy: another thread may register one while the filters are asked.
        return next((handler for handler in list(self._handlers.values()) if handler.accepts(context)), None)

    def chain(
        self, handler: Handler, *, around_plain: Callable[[HandlerFunction], HandlerFunction] | None = None
    ) -> HandlerFunction:
        """Return the handler with all middleware around it, the first registered outermost.

        Parameters
        ----------
        handler
            What :meth:`find` gave.
        around_plain
            Wraps a ``def`` handler where async middleware would call it on the loop.
        """
        return self.chained(handler.function, around_plain=around_plain)

    def chained(
        self, function: HandlerFunction, *, around_plain: Callable[[HandlerFunction], HandlerFunction] | None = None
    ) -> HandlerFunction:
        """Return any function with all middleware around it.  See :meth:`chain`."""
        middlewares = list(self._middleware.values())
        if around_plain is not None and not is_async(function) and any(map(is_async, middlewares)):
            function = around_plain(function)
        for middleware in reversed(middlewares):
            function = _around(middleware, function)
        return function

    def __call__(self, context: Context) -> Any:
        """Handle a message; without a handler for it, there is no reply."""
        handler = self.find(context)
        return None if handler is None else self.chain(handler)(context)


def is_async(function: Callable[..., Any]) -> bool:
    """Tell whether a function is ``async def``, a generator of that kind included."""
    return inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _around(middleware: MiddlewareFunction, function: HandlerFunction) -> HandlerFunction:
    call_next = _awaitable(function) if inspect.iscoroutinefunction(middleware) else function
    return lambda context: middleware(context, call_next)


def _awaitable(function: HandlerFunction) -> Callable[[Context], Awaitable[Any]]:
    async def call(context: Context) -> Any:
        result = function(context)
        return await result if inspect.isawaitable(result) else result

    return call


def check_signature(function: object, *given: str) -> None:
    """Raise unless a function can be called with as many values as there are names.

    Raises
    ------
    UsageError
        It would fail for every message.
    """
    what = ", ".join(given)
    if not callable(function):
        raise UsageError(f"{type(function).__name__} is no function", hint=f"give one that takes ({what})")
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of builtins, nothing is known
        return
    try:
        signature.bind(*given)
    except TypeError:
        name = getattr(function, "__qualname__", type(function).__name__)
        raise UsageError(f"{name}{signature} cannot be called with ({what})", hint=f"let it take {what}") from None


def _compiled(text: str | re.Pattern[str]) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, TypeError) as error:
        reason = str(error) if isinstance(error, re.error) else f"it is {type(text).__name__}"
        raise UsageError(
            f"text is no regular expression: {reason}", hint="re.escape(text) takes a text as it is"
        ) from None


def name_of(function: Callable[..., Any]) -> str:
    """Return the name under which a function is registered; one of the same module and name takes its place."""
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    # Two lambdas share a name; each is kept.
    return f"{module}.{name}" if not name.endswith("<lambda>") else f"{module}.{name}-{id(function):x}"


def _filters(
    *,
    is_group: bool | None,
    chat_id: int | Iterable[int] | None,
    sender: str | Iterable[str] | None,
    text: str | re.Pattern[str] | None,
    where: Filter | None,
) -> Iterable[Filter]:
    if is_group is not None:
        yield lambda context: context.is_group is is_group
    if chat_id is not None:
        chats = frozenset([chat_id] if isinstance(chat_id, int) else chat_id)
        yield lambda context: context.message.chat_id in chats
    if sender is not None:
        people = frozenset(normalize_handle(each) for each in ([sender] if isinstance(sender, str) else sender))
        yield lambda context: context.handle in people
    if text is not None:
        pattern = _compiled(text)
        yield lambda context: pattern.search(context.text) is not None
    if where is not None:
        yield where
