"""Plans run by awaiting: the asynchronous twin of :func:`imsg_sdk.client.plan.run`.

A wait goes in slices, because a notebook's interrupt does not reach a loop that sleeps.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from imsg_sdk.client.plan import SLICE_S, Pause, Plan, Wait

__all__ = ["run_async"]

T = TypeVar("T")


async def run_async(plan: Plan[T]) -> T:
    """Run a plan to its end by awaiting."""
    try:
        step = next(plan)
        while True:
            try:
                answer = await _await(step)
            except BaseException as error:  # noqa: BLE001 - it is thrown into the plan, which ends by it or not
                step = plan.throw(error)
            else:
                step = plan.send(answer)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        plan.close()


async def _await(step: Wait | Pause) -> Any:
    if isinstance(step, Pause):
        await asyncio.sleep(step.seconds)
        return None
    loop = asyncio.get_running_loop()
    deadline = loop.time() + step.timeout_s
    waiter = asyncio.wrap_future(step.future)
    try:
        while not waiter.done() and (left := deadline - loop.time()) > 0:
            await asyncio.wait([waiter], timeout=min(left, SLICE_S))
    except BaseException:
        step.forget()
        raise
    finally:
        if not waiter.done():
            waiter.cancel()
    if not waiter.done() or waiter.cancelled():
        step.forget()
        raise step.expired()
    return waiter.result()
