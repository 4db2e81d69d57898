"""What every action shares: its request, who signs it, what its answer means, and lists by page number."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from otabridge.plugin import (
    DEFAULT,
    Ahead,
    Backend,
    Capability,
    Complaint,
    Credential,
    InvalidRequestError,
    OtaBridgeError,
    PackageDraft,
    Page,
    PagingError,
    Pairs,
    Product,
    Request,
    Response,
    Signer,
    Steps,
    Traits,
    UrlLocation,
    World,
    broken,
    encoded_query,
    flow,
    not_understood,
    send,
)
from otabridge_action import __version__, schema
from otabridge_action.profiles import Profile
from otabridge_action.reading import Kind
from otabridge_action.schema_names import RESERVED, parameters
from otabridge_action.settings import ActionSettings
from otabridge_action.signing import Acs3Signer, RpcSigner
from otabridge_action.tables import DEEP, ERRORS, FILE_NAME, QUERY_BYTES, SPENDS, VERSION

T = TypeVar("T")
HEADERS: Pairs = (("Accept", "application/json"), ("User-Agent", f"otabridge/{__version__}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a reading of a list stands. As text it is the cursor: it has all that another process needs."""

    page: int = 1
    size: int
    seen: int = 0
    total: int | None = None
    token: str | None = None

    @classmethod
    def read(cls, cursor: str | None, size: int) -> "Place":
        """The place that a cursor names, or the first one; pages keep the size that the list began with."""
        if cursor is None:
            return cls(size=size)
        try:
            page, size, seen, total, token = json.loads(cursor)
            return cls(page=int(page), size=int(size), seen=int(seen), total=total, token=token)
        except (ValueError, TypeError):
            raise PagingError(f"not a cursor of this list: {cursor[:60]!r}") from None

    def __str__(self) -> str:
        return json.dumps([self.page, self.size, self.seen, self.total, self.token])

    @property
    def ahead(self) -> Sequence[str]:
        """The cursors of this page and of those behind it; only this page's answer has the token of the next one."""
        if self.token or self.total is None:
            return ()
        return Ahead(
            lambda page: str(replace(self, page=self.page + page, seen=self.seen + page * self.size)),
            (self.total - self.seen) // self.size
            + 1,  # a full last page is followed by one more, as `following` has it
        )

    def following(self, found: schema.Listing[Any]) -> "Place | None":
        """The place after this page, None at the end: when both counts say so, or the page is empty.

        A full page never ends the list: a total may be wrong, and what lies behind it would be lost without a word.

        The page number asked for counts, not one answered, so that a cloud that repeats itself cannot make a loop.
        """
        rows = len(found.rows)
        seen = self.seen + rows
        more = self.page < (found.pages or 0)
        if rows:
            more = more or (found.total is not None and seen < found.total)
            more = more or rows >= self.size
            more = more or (found.total is None and found.pages is None and bool(found.token))
        elif found.total is not None:
            more = False
        if not more:
            return None
        return replace(self, page=self.page + 1, seen=seen, total=found.total, token=found.token or None)


class Engine(Backend):
    """The dialect without its operations. A cloud is a subclass with a profile and a class of settings."""

    contract = 1
    profile: ClassVar[Profile]
    spends: ClassVar = SPENDS
    settings: ClassVar[type[ActionSettings]]
    builtins: ClassVar = {DEFAULT: RESERVED}
    ERRORS: ClassVar = ERRORS
    # How late a list shows what was just made is not documented: two seconds are a guess (unverified).
    traits: ClassVar = Traits(
        unique_keys={
            "module": ("product", "name"),
            "package": ("product", "module", "version"),
            "package.name": ("name",),
        },
        ignore_case=frozenset({"module"}),
        list_lag_seconds=2.0,
        untold=frozenset({"artifact.name"}),
        filled=frozenset({"package.name"}),
    )

    config: ActionSettings

    def __init__(self, config: ActionSettings, *, world: World | None = None) -> None:
        super().__init__(config, world=world)
        self.products_at_work: dict[object, Page[Product]] = {}

    def __init_subclass__(cls, *, profile: Profile | None = None, **more: Any) -> None:
        super().__init_subclass__(**more)
        if profile:
            cls.profile, cls.name = profile, profile.name
            cls.capabilities, cls.limits, cls.quotas = profile.capabilities, profile.limits, profile.quotas

    # --- requests ---------------------------------------------------------------------------------------------------

    @flow
    def credential(self) -> Steps[Credential]:
        """The account's keys with the signature that the settings ask for."""
        yield from ()
        config = self.config
        token = config.security_token.get_secret_value() if config.security_token else None
        secret = config.access_key_secret.get_secret_value()
        signer: Signer
        if config.signature == "acs3":
            signer = Acs3Signer(config.access_key_id, secret, token, VERSION)
        else:
            signer = RpcSigner(config.access_key_id, secret, token, common=self._common())
        return Credential(signer)

    def _common(self) -> Pairs:
        if self.config.minimal:
            return ()
        region = self.config.region if self.profile.region_parameter else None
        return (*self.profile.common, ("RegionId", region)) if region else self.profile.common

    def action(self, name: str, pairs: Pairs, *, read: bool = True, pace: str = "") -> Request:
        """The request of an action with its own parameters."""
        if self.profile.instance_parameter:
            pairs = parameters(instance=self.config.iot_instance_id) + pairs
        method = self.profile.methods.get(name, self.profile.method)
        sent: dict[str, Any] = {"method": "POST", "form": pairs} if _long(pairs) else {"method": method, "query": pairs}
        return Request(operation=name, origin=self.config.endpoint, headers=HEADERS, read=read, pace=pace, **sent)

    # --- answers ----------------------------------------------------------------------------------------------------

    def complaint(self, request: Request, response: Response) -> Complaint | None:
        """What a failure says, whether it came in a 200 or not."""
        verdict = schema.verdict(response.body)
        return verdict if isinstance(verdict, Complaint) else None

    def judge(self, request: Request, response: Response) -> OtaBridgeError | None:
        """A success must say so; a write's answer is read to its end, lest half of one passes for success.

        Of the storage of files the status says it.
        """
        if request.links is None and 200 <= response.status < 300:
            if request.read and schema.succeeded(response.body):
                return None
            if schema.verdict(response.body) is None:
                return not_understood(request, response, "it says neither success nor what failed")
        return super().judge(request, response)

    # --- lists ------------------------------------------------------------------------------------------------------

    def pages(
        self,
        operation: Capability,
        name: str,
        kind: Kind[schema.Listing[T]],
        pairs: Pairs,
        *,
        cursor: str | None,
        limit: int | None,
        keep: Callable[[T], bool] | None = None,
    ) -> Steps[Page[T]]:
        """One page of a list by page number; `keep` filters here what the cloud cannot."""
        place = Place.read(cursor, limit or self.limits.page_size[operation])
        deep = f"{name}.deep"
        pace = deep if deep in self.quotas and place.page * place.size >= DEEP else ""
        pairs += parameters(page=place.page, size=place.size, token=place.token)
        request = self.action(name, pairs, pace=pace)
        try:
            reply = yield from send(request)
        except InvalidRequestError:
            if place.total is None or place.seen < place.total:
                raise
            # All that was announced is here; how a page behind the last is answered is not documented (unverified).
            return Page((), None, None if keep else place.total, place.seen)
        found = kind.read(request, reply)
        following = place.following(found)
        after, ahead = (str(following), following.ahead) if following else (None, ())
        if keep is None:
            return Page(found.rows, after, found.total, place.seen, ahead=ahead)
        # Nobody can count a filtered list afterwards, so what the client would notice is noticed here.
        shrunk = place.total is not None and found.total is not None and found.total < place.total
        short = following is None and found.total is not None and place.seen + len(found.rows) < found.total
        if shrunk or short:
            raise PagingError(f"the list of {name} changed or ended short while it was filtered: read it again")
        return Page(tuple(filter(keep, found.rows)), after)

    # --- checks -----------------------------------------------------------------------------------------------------

    def _check(self, operation: Capability, arguments: Any) -> None:
        super()._check(operation, arguments)
        draft: PackageDraft | None = arguments.get("draft")
        if draft is None:
            return
        names = [artifact.name for artifact in draft.artifacts]
        if len(names) > 1:
            for filename in names:
                if rule := FILE_NAME.breach(filename):
                    raise broken("artifact.name", rule, filename, "rename the file")
            if len(set(names)) < len(names):
                raise broken("artifact.name", "each name once in a package", ", ".join(names), "rename the files")
        staged = [artifact for artifact in draft.artifacts if isinstance(artifact.location, UrlLocation)]
        if self.profile.digest_required and not all(artifact.checksum for artifact in staged):
            raise broken("artifact.checksum", "required", "", "give the file's md5 or sha256")


def _long(pairs: Pairs) -> bool:
    """Whether parameters are too long for a query. They are encoded only if they could be: 12 bytes a character."""
    most = sum([len(name) + len(value) + 2 for name, value in pairs]) * 12
    return most > QUERY_BYTES and len(encoded_query(pairs)) > QUERY_BYTES
