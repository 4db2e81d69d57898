"""Secrets that are known by their look, and a search for them in everything that may be shown."""

import base64
import io
import json
import pickle
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import quote, quote_plus

TESTS = str(Path(__file__).parent.parent)
PLUGIN_TESTS = "/tests/"

KEY = "cnry-KEY/7f3a+q=~*Zz%41"
TOKEN = "cnry-STS/91bd+w==~%2F"
FETCHED = "cnry-IAM/55cc+x=~MIIF"
PROXY = "cnry-PRX-2b9e"
DEVICE = "cnry-DEV-8d1fe0aa44b2"
CANARIES = {"key": KEY, "token": TOKEN, "fetched": FETCHED, "proxy": PROXY, "device": DEVICE}


def forms(secret: str) -> set[str]:
    """How a secret could be written."""
    once = {quote(secret, safe=""), quote(secret), quote(secret, safe="~"), quote_plus(secret)}
    data = secret.encode()
    encoded = {base64.b64encode(data).decode().rstrip("="), base64.urlsafe_b64encode(data).decode().rstrip("=")}
    twice = {quote(form, safe="") for form in once}
    return {secret, secret[::-1], json.dumps(secret)[1:-1]} | once | twice | encoded


def found(text: str) -> list[str]:
    """Which canaries a text shows, in whatever form."""
    return [name for name, secret in CANARIES.items() if any(form in text for form in forms(secret))]


def chain(error: BaseException) -> Iterator[BaseException]:
    """An error and all that it came from, suppressed or not."""
    waiting, met = [error], set()
    while waiting:
        current = waiting.pop()
        if id(current) in met:
            continue
        met.add(id(current))
        yield current
        waiting += [other for other in (current.__cause__, current.__context__) if other is not None]
        waiting += getattr(current, "exceptions", ())


def told(error: BaseException) -> str:
    """Everything that an error can show: texts, attributes, pickle, and every frame's locals but the tests' own."""
    parts: list[str] = []
    for one in chain(error):
        parts += [str(one), repr(one), repr(vars(one)), repr(getattr(one, "__notes__", ()))]
        summary = traceback.TracebackException(type(one), one, one.__traceback__, capture_locals=True)
        for frame in summary.stack:
            if not frame.filename.startswith(TESTS) and PLUGIN_TESTS not in frame.filename:
                parts += [frame.name, *(f"{name}={value}" for name, value in (frame.locals or {}).items())]
        parts += list(summary.format_exception_only())
    parts.append(pickle.dumps(error).decode("latin-1"))
    return "\n".join(parts)


def shown(root: object) -> str:
    """The repr and str of every object of ours that can be reached from one."""
    out = io.StringIO()
    waiting, met = [root], set[int]()
    while waiting:
        thing = waiting.pop()
        if id(thing) in met or isinstance(thing, type | ModuleType | str | bytes):
            continue
        met.add(id(thing))
        if type(thing).__module__.startswith(("otabridge", "tests.support.acme")):
            print(repr(thing), str(thing), file=out)
        waiting += _parts(thing)
    return out.getvalue()


def _parts(thing: Any) -> list[Any]:
    if isinstance(thing, dict):
        return [*thing.keys(), *thing.values()]
    if isinstance(thing, list | tuple | set | frozenset):
        return list(thing)
    if not type(thing).__module__.startswith(("otabridge", "tests.support", "httpx")):
        return []
    slots = [name for cls in type(thing).__mro__ for name in getattr(cls, "__slots__", ())]
    return [*getattr(thing, "__dict__", {}).values(), *(getattr(thing, name, None) for name in slots)]
