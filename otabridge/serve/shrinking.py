"""A store whose lists seem to have lost their first row, for the calls of which a fault says so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any, cast

from otabridge.backend import Backend
from otabridge.capabilities import Capability
from otabridge.flow import Flow, Steps
from otabridge.models import Page

_LISTS = {capability.value for capability in Capability if capability.value.startswith("list_")}
_on: ContextVar[bool] = ContextVar("otabridge_serve_shrinking", default=False)


@contextmanager
def shrinking() -> Iterator[None]:
    """Let the lists of this task's call lack their first row."""
    token = _on.set(True)
    try:
        yield
    finally:
        _on.reset(token)


def shrinkable(store: Backend) -> Backend:
    """The store, able to shrink."""
    return cast(Backend, _Shrinkable(store))


class _Shrinkable:
    def __init__(self, store: Backend) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return partial(_less, found) if name in _LISTS and _on.get() else found


def _less(operation: Callable[..., Flow[Page[Any]]], **arguments: Any) -> Flow[Page[Any]]:
    flow = operation(**arguments)
    return Flow(_shrunk(flow, first=arguments.get("cursor") is None), flow.name)


def _shrunk(flow: Flow[Page[Any]], *, first: bool) -> Steps[Page[Any]]:
    page = yield from flow
    items, behind = page.items, page.behind
    if first:
        # A built-in module is in no cloud's list, so nobody would miss it.
        gone = next((place for place, row in enumerate(items) if not getattr(row, "builtin", False)), len(items))
        items, behind = items[:gone] + items[gone + 1 :], behind[:gone] + behind[gone + 1 :]
    return replace(page, items=items, behind=behind, total=page.total and page.total - 1)
