"""The error tree: as its docstring draws it, carrying what support asks for, and picklable."""

import copy
import pickle
import re
from typing import Any

import pytest

from otabridge import errors
from otabridge.errors import (
    ApiError,
    OtaBridgeError,
    OutcomeUnknownError,
    ProtocolError,
    RateLimitError,
    TransportError,
    ValidationError,
)

CLASSES = {
    name: cls
    for name, cls in vars(errors).items()
    if isinstance(cls, type) and issubclass(cls, Exception) and name[0] != "_"
}
FACTS: dict[str, Any] = {
    "backend": "acme",
    "operation": "ListThings",
    "status": 429,
    "code": "Throttling",
    "request_id": "id-1",
    "retry_after": 2.5,
}
ANSWERED = [cls for cls in CLASSES.values() if issubclass(cls, ApiError | TransportError | ProtocolError)] + [
    OutcomeUnknownError
]


def drawn() -> dict[str, str]:
    """Class -> parent, from the tree in the module's docstring; several names may share a line."""
    parents: dict[str, str] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.findall(r"\b[A-Z]\w+Error\b", line)
        if not found:
            continue
        depth = len(line) - len(line.lstrip())
        above = [(place, name) for place, name in above if place < depth]
        for name in found:
            parents[name] = above[-1][1] if above else ""
        above.append((depth, found[0]))
    return parents


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    parents = {}
    for name, cls in CLASSES.items():
        public = [base.__name__ for base in cls.__mro__[1:] if base.__name__ in CLASSES]
        parents[name] = public[0] if public else ""
    assert drawn() == parents


@pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)
def test_every_error_is_an_otabridge_error_and_explains_itself(cls: type[Exception]) -> None:
    assert issubclass(cls, OtaBridgeError)
    assert cls.__doc__


@pytest.mark.parametrize("cls", ANSWERED, ids=lambda cls: cls.__name__)
def test_an_error_of_a_request_keeps_and_shows_its_facts(cls: Any) -> None:
    error = cls("too fast", **FACTS)
    assert {name: getattr(error, name) for name in FACTS} == FACTS
    assert error.message == "too fast"
    assert str(error) == "too fast (operation acme ListThings, status 429, code Throttling, request id id-1)"


def test_an_error_without_facts_is_its_message() -> None:
    assert str(ApiError("it failed")) == "it failed"


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_an_error_survives_the_way_to_another_process(duplicate: Any) -> None:
    error = RateLimitError("too fast", **FACTS)
    again = duplicate(error)
    assert type(again) is RateLimitError
    assert str(again) == str(error)
    assert again.retry_after == 2.5
    broken = duplicate(ValidationError("m", field="module.name", limit="at most 4", value="abcde"))
    assert (broken.field, broken.limit, broken.value) == ("module.name", "at most 4", "abcde")
    unread = ProtocolError("what?")
    unread.excerpt = "<html>"
    assert duplicate(unread).excerpt == "<html>"


@pytest.mark.parametrize("cls", [cls for cls in CLASSES.values() if not issubclass(cls, ValidationError)])
def test_every_error_can_be_made_of_a_message_alone_and_pickled(cls: Any) -> None:
    again = pickle.loads(pickle.dumps(cls("why")))
    assert (type(again), str(again)) == (cls, "why")


def test_the_public_errors_are_all_of_them() -> None:
    import otabridge

    assert {name for name in otabridge.__all__ if name.endswith("Error")} == set(CLASSES)
