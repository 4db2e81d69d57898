"""Reading a vendor's JSON straight into the core model: a whole page in one call, validated once.

`aliased(Module, product="product_id", ...)` is the core class itself, read from the vendor's names; a plugin's
schema.py puts it into its envelopes and reads them with `decode`.
"""

import json
import re
from collections.abc import Callable
from dataclasses import MISSING, fields
from functools import cached_property
from typing import Annotated, Any, Generic, TypeVar, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic_core import core_schema

from otabridge.errors import ProtocolError
from otabridge.wire import Request, Response

T = TypeVar("T")

_WORDS = "(?:secret|password|token|fingerprint|signature|policy|accesskey)"
# A member of a JSON object, also of one that is a text in another, and an element of XML.
_MEMBER = re.compile(rf'(\\*"[\w.-]*{_WORDS}[\w.-]*\\*"\s*:\s*)\\*"(?:[^"\\]|\\.)*"?', re.IGNORECASE)
_ELEMENT = re.compile(rf"(<[\w:.-]*{_WORDS}[\w:.-]*>)[^<]*", re.IGNORECASE)


class _Aliases:
    """The pydantic schema of a frozen, slotted, keyword-only dataclass whose fields have the vendor's names."""

    def __init__(self, names: dict[str, tuple[str, ...]], readers: dict[str, Callable[[Any], Any]]) -> None:
        self.names = names
        self.readers = readers

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> core_schema.CoreSchema:
        hints = get_type_hints(source)
        described = []
        for item in fields(source):
            schema = handler.generate_schema(hints[item.name])
            if item.name in self.readers:
                schema = core_schema.no_info_before_validator_function(self.readers[item.name], schema)
            if item.default is not MISSING:
                schema = core_schema.with_default_schema(schema, default=item.default)
            known = self.names.get(item.name)
            aliases: list[list[str | int]] | None = [[alias] for alias in known] if known else None
            described.append(
                core_schema.dataclass_field(
                    item.name, schema, kw_only=True, validation_alias=aliases, init=None if known else False
                )
            )
        return core_schema.dataclass_schema(
            source,
            core_schema.dataclass_args_schema(source.__name__, described),
            [item.name for item in fields(source)],
            slots=True,
            frozen=True,
        )


def aliased(cls: type, readers: dict[str, Callable[[Any], Any]] | None = None, **names: str | tuple[str, ...]) -> Any:
    """`cls` read from a vendor's object: field -> the vendor's name, or several; `readers` convert a field's raw value.

    Fields without a name keep their default, whatever the vendor sends.
    """
    spelled = {field: (name,) if isinstance(name, str) else name for field, name in names.items()}
    return Annotated[cls, _Aliases(spelled, readers or {})]


class Reader(Generic[T]):
    """Reads JSON into `kind`. Its validator is built when it is first used: a cold start should not pay for all."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    @cached_property
    def adapter(self) -> "TypeAdapter[T]":
        """The validator."""
        return TypeAdapter(self._kind)


def decode(reader: Reader[T], request: Request, response: Response) -> T:
    """Read a whole answer. ProtocolError, with the field and a scrubbed excerpt, if it is not what was expected."""
    try:
        return reader.adapter.validate_json(response.body)
    except ValidationError as error:
        detail = "; ".join(
            f"{'.'.join(map(str, item['loc'])) or 'the body'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False, include_context=False)[:3]
        )
    raise not_understood(request, response, detail)


def not_understood(request: Request, response: Response, detail: str) -> ProtocolError:
    """The error for an answer that is not the protocol's."""
    kind = response.header("content-type") or "no content type"
    error = ProtocolError(
        f"the answer to {request.operation} was not understood ({kind}, {len(response.body)} bytes): {detail}",
        operation=request.operation,
        status=response.status,
        request_id=response.header("x-request-id"),
    )
    error.excerpt = excerpt(response)
    return error


def excerpt(response: Response, length: int = 200) -> str:
    """The first characters of an answer, with the values of secret-looking members and elements left out."""
    text = response.body[: 4 * length].decode("utf-8", "replace")
    return _ELEMENT.sub(r"\1***", _MEMBER.sub(r'\1"***"', text))[:length]


def json_object(response: Response) -> dict[str, Any] | None:
    """The body as a JSON object, or None if it is none."""
    try:
        value = json.loads(response.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
