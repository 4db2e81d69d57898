"""From a call to what it asks for: its scheme of signing, its parameters by our words, and the format of the answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from otabridge.facade import Asked, Call, decoded
from otabridge.plugin import Pairs
from otabridge_action import schema_names as names
from otabridge_action.profiles import Profile
from otabridge_action.signing import ACS3, FORM
from otabridge_action.tables import VERSION

# Versions that the documents name; Tuya's examples have none.
VERSIONS = (VERSION, "2022-01-01")
_FIELD = re.compile(r"(\w+)=([^,\s]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed(Asked):
    """What a call asks for. `named` is the action as the client says it, `words` are the parameters by our words.

    `pairs` are those of the query and the form, undecided by scheme; `acs3` are the fields of that scheme's header.
    """

    named: str = ""
    version: str = ""
    query: Pairs = field(default=(), repr=False)
    form: Pairs = field(default=(), repr=False)
    words: Mapping[str, str] = field(default_factory=dict, repr=False)
    acs3: Mapping[str, str] | None = field(default=None, repr=False)
    xml: bool = False
    broken: bool = False

    @property
    def pairs(self) -> Pairs:
        """All parameters, wherever they were."""
        return self.query + self.form


def parse(call: Call, profile: Profile, writes: Mapping[str, bool]) -> Parsed:
    """Read a call; `writes` has the actions that there are. Nothing is refused here, and nothing raised."""
    broken = False
    query: Pairs = ()
    form: Pairs = ()
    try:
        query = call.query
        if call.body and call.headers.get("content-type", "").lower().startswith(FORM[1]):
            form = decoded(call.body.decode("utf-8", "replace"))
    except ValueError:
        broken = True
    given = dict(query + form)
    acs3 = _acs3(call) if profile.acs3 else None
    headers = call.headers if acs3 is not None else {}
    named = headers.get("x-acs-action") or given.get("Action", "")
    version = headers.get("x-acs-version") or given.get("Version", "")
    there = named in writes and named not in profile.missing
    known = version in VERSIONS or not (version or profile.version_required)
    return Parsed(
        operation=named if there and known and not broken else "",
        write=writes.get(named, False),
        named=named,
        version=version,
        query=query,
        form=form,
        words=names.words(query + form),
        acs3=acs3,
        xml=_wants_xml(given.get("Format", ""), call.headers.get("accept", ""), profile),
        broken=broken,
    )


def _acs3(call: Call) -> Mapping[str, str] | None:
    scheme, _, fields = call.headers.get("authorization", "").partition(" ")
    return dict(_FIELD.findall(fields)) if scheme == ACS3 else None


def _wants_xml(asked: str, accept: str, profile: Profile) -> bool:
    if asked:
        return asked.upper() == "XML"
    return profile.xml and "json" not in accept.lower()
