"""A form with a file (multipart/form-data) read as it streams: first the text fields, then the file, the last part."""

import logging
from collections.abc import Callable

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from otabridge.serve.objects_intake import ObjectTrouble

# It logs each form that it cannot read, and with no handler that would be printed.
logging.getLogger("python_multipart").addHandler(logging.NullHandler())

FILE = "file"
MOST_FIELDS = 64
LARGEST_FIELD = 64 << 10


class Form:
    """Takes a form in, however it is cut. Once `file_found` the fields are complete; what follows the file is nothing.

    `fields` has their names in lower case.
    """

    def __init__(self, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not options.get(b"boundary"):
            raise ObjectTrouble("bad form", "the body is no multipart/form-data with a boundary")
        self.fields: dict[str, str] = {}
        self.file_found = False
        self._file_over = False
        self._file: list[bytes] = []
        self._names: tuple[bytearray, bytearray] = bytearray(), bytearray()
        self._headers: dict[str, str] = {}
        self._text = bytearray()
        calls: dict[str, Callable[..., None]] = {
            "on_part_begin": lambda: self._headers.clear(),
            "on_header_field": lambda data, start, end: self._names[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._names[1].extend(data[start:end]),
            "on_header_end": self._header_over,
            "on_headers_finished": self._part_begun,
            "on_part_data": self._part_goes_on,
            "on_part_end": self._part_over,
        }
        try:
            self._parser = MultipartParser(options[b"boundary"], calls)  # type: ignore[arg-type]
        except FormParserError as error:
            raise ObjectTrouble("bad form", "the boundary is none") from error

    def write(self, data: bytes) -> None:
        """Take more of the form."""
        try:
            self._parser.write(data)
        except (FormParserError, UnicodeDecodeError) as error:
            raise ObjectTrouble("bad form", "the form is broken") from error

    def taken(self) -> bytes:
        """What came of the file since this was asked last."""
        data, self._file = b"".join(self._file), []
        return data

    def close(self) -> None:
        """Say that the body is over."""
        if not self.file_found:
            raise ObjectTrouble("bad form", f"the form has no part named {FILE}")
        if not self._file_over:
            raise ObjectTrouble("bad length", "the form ends inside of its file")

    def _header_over(self) -> None:
        name, value = (part.decode("utf-8", "replace") for part in self._names)
        self._headers[name.lower()] = value
        self._names = bytearray(), bytearray()

    def _part_begun(self) -> None:
        self._text.clear()
        if self._name() == FILE:
            self.file_found = True
        elif len(self.fields) >= MOST_FIELDS:
            raise ObjectTrouble("bad form", f"the form has more than {MOST_FIELDS} fields")

    def _part_goes_on(self, data: bytes, start: int, end: int) -> None:
        if self.file_found:
            if not self._file_over:
                self._file.append(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > LARGEST_FIELD:
            raise ObjectTrouble("bad form", f"a field has more than {LARGEST_FIELD} bytes")

    def _part_over(self) -> None:
        if self.file_found:
            self._file_over = True
        else:
            self.fields[self._name()] = self._text.decode()

    def _name(self) -> str:
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        return options.get(b"name", b"").decode("utf-8", "replace").lower()
