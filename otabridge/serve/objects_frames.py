"""The `aws-chunked` framing of a body taken off as it streams, with the signatures of its chunks and its trailer.

Each chunk is `{size in hex}[;chunk-signature={signature}]`, its bytes and a line end; one of no bytes is the last.
After it come the fields of a trailer, one a line, and an empty line.
"""

from hashlib import sha256
from typing import Protocol

from otabridge.objects import Frames
from otabridge.serve.objects_intake import ObjectTrouble
from otabridge.wire import unbase64

LONGEST_LINE = 4096
MOST_LINES = 20
_SIGNATURE = "x-amz-trailer-signature"


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes) -> None: ...


class Unframed:
    """Takes framed bytes, however they are cut, and gives the bytes inside to a sink."""

    def __init__(self, frames: Frames, sink: Sink) -> None:
        self.digests: dict[str, str] = {}
        self._frames = frames
        self._sink = sink
        self._rest = bytearray()
        self._state = self._head
        self._left = 0
        self._size = 0
        self._signature = ""
        self._chunk = sha256()
        self._trailer: list[tuple[str, str]] = []
        self._over = False

    def write(self, data: bytes) -> None:
        """Take more of the framed body."""
        self._rest += data
        while not self._over and self._state():
            pass
        if self._over and self._rest:
            raise ObjectTrouble("bad body", "more follows the last chunk")

    def close(self) -> None:
        """Say that the body is over. From now on `digests` has what the trailer promised, in hex."""
        if not self._over or self._size != self._frames.size:
            raise ObjectTrouble("bad body", f"the chunks have {self._size} bytes, not {self._frames.size}")
        missing = set(self._frames.trailing.values()) - set(self.digests)
        if missing:
            raise ObjectTrouble("bad body", f"the trailer lacks {', '.join(sorted(missing))}")

    # --- states: each takes what it can of `_rest`, and says whether it could ---

    def _head(self) -> bool:
        line = self._line()
        if line is None:
            return False
        size, _, extension = line.partition(";")
        try:
            self._left = int(size, 16)
        except ValueError:
            self._left = -1
        if self._left < 0 or len(size) > 16:
            raise ObjectTrouble("bad body", "a chunk does not begin with its size")
        self._signature = extension.strip().removeprefix("chunk-signature=")
        self._chunk = sha256()
        self._state = self._bytes if self._left else self._last
        return True

    def _bytes(self) -> bool:
        taken = bytes(self._rest[: self._left])
        if not taken:
            return False
        del self._rest[: len(taken)]
        if self._frames.chain:
            self._chunk.update(taken)
        self._sink.write(taken)
        self._size += len(taken)
        self._left -= len(taken)
        if not self._left:
            self._state = self._end
        return True

    def _end(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if line:
            raise ObjectTrouble("bad body", "a chunk is longer than its size")
        self._proved()
        self._state = self._head
        return True

    def _last(self) -> bool:
        self._proved()
        self._state = self._field
        return True

    def _field(self) -> bool:
        line = self._line()
        if line is None:
            return False
        if line and len(self._trailer) < MOST_LINES:
            name, _, value = line.partition(":")
            self._trailer.append((name.strip().lower(), value.strip()))
        elif line:
            raise ObjectTrouble("bad body", "the trailer is too long")
        else:
            self._closed()
        return True

    def _closed(self) -> None:
        self._over = True
        fields = dict(self._trailer)
        signature = fields.pop(_SIGNATURE, "")
        chain = self._frames.chain
        if (
            chain
            and (fields or self._frames.trailing)
            and not chain.closes(signature, "".join(f"{name}:{value}\n" for name, value in fields.items()))
        ):
            raise ObjectTrouble("bad signature", "the signature of the trailer does not match")
        for name, algorithm in self._frames.trailing.items():
            if name in fields:
                self.digests[algorithm] = unbase64(fields[name])

    def _proved(self) -> None:
        chain = self._frames.chain
        if chain and not chain.holds(self._signature, self._chunk.hexdigest()):
            raise ObjectTrouble("bad signature", "the signature of a chunk does not match")

    def _line(self) -> str | None:
        found = self._rest.find(b"\r\n", 0, LONGEST_LINE)
        if found < 0:
            if len(self._rest) >= LONGEST_LINE:
                raise ObjectTrouble("bad body", "a line between the chunks is too long")
            return None
        line = self._rest[:found].decode("latin-1")
        del self._rest[: found + 2]
        return line
