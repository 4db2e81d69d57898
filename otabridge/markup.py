"""XML as facades write it."""

import re
from xml.sax.saxutils import escape

_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def xml(name: str, *content: str, namespace: str = "") -> str:
    """An XML element, with text that `text` has escaped and elements that this has made."""
    attribute = f' xmlns="{namespace}"' if namespace else ""
    return f"<{name}{attribute}>{''.join(content)}</{name}>"


def text(value: object) -> str:
    """A value as text of an XML document. What none can have becomes a question mark."""
    return _UNWRITABLE.sub("?", escape(str(value))).replace("\r", "&#13;")


def document(root: str) -> bytes:
    """The bytes of an XML document."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}'.encode()
