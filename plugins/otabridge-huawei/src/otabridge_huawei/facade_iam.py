"""The identity service's part: tokens, projects, temporary keys."""

import hmac
import re
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Any

from otabridge.facade import Account, Answer, Call, Site
from otabridge.plugin import Backend, Steps
from otabridge_huawei import facade_tables as tables
from otabridge_huawei import schema_mirror as wire
from otabridge_huawei.facade_auth import Verifier
from otabridge_huawei.facade_calls import FacadeCalls, Given, answer, refuse

_HEX = re.compile("[0-9A-Fa-f]{32}").fullmatch


def project_id(name: str) -> str:
    """The id of the project of a region."""
    return sha256(f"project {name}".encode("utf-8", "surrogatepass")).hexdigest()[:32]


class IdentityFacade(FacadeCalls):
    """The operations of the identity service, and what is known of projects."""

    def __init__(self, store: Backend, site: Site) -> None:
        super().__init__(store, site)
        self.verifier = Verifier(site)
        self._projects = site.kept("project")

    def admit_project(self, project: str) -> None:
        """Refuse a project that cannot be, or in strict mode one that nobody has asked for by its name."""
        known = project == project_id(tables.REGION) or self._projects.get(project)
        if not known and (tables.strict(self.site, "project") or not _HEX(project)):
            refuse(tables.NO_PROJECT)

    def admit_instance(self, instance: str) -> None:
        """Refuse an instance that is not this one, in strict mode."""
        if instance not in ("", tables.INSTANCE) and tables.strict(self.site, "instance"):
            refuse(tables.NO_INSTANCE)

    def create_token(self, given: Given) -> Steps[Answer]:
        login = wire.login(given.json())
        if login is None:
            refuse(tables.BAD_LOGIN)
        if not _same(login.password, self.site.master.secret_key):
            refuse(tables.WRONG_PASSWORD)
        name = login.project_name or tables.REGION
        project = {"id": login.project or (yield from self._project(name)), "name": name}
        now, token = given.call.now, self._secret(2)
        ends = now + tables.TOKEN_LIFE
        self.site.issue(token, ends)
        body = wire.token(user=login.user, domain=login.domain, project=project, issued=now, ends=ends)
        if given.query.get("nocatalog") != "true":
            body["token"]["catalog"] = []
        return _told(given.call, body, 201, ("X-Subject-Token", token))

    def list_projects(self, given: Given) -> Steps[Answer]:
        name = given.query.get("project", tables.REGION)
        found = yield from self._project(name)
        return _told(given.call, wire.projects(found, name))

    def create_temporary_key(self, given: Given) -> Steps[Answer]:
        yield from ()
        call = given.call
        asked = wire.temporary_key(given.json())
        if asked is None or (asked.seconds is not None and asked.seconds not in tables.KEY_LIFE):
            refuse(tables.BAD_LOGIN)
        if self.verifier.token(asked.token or call.headers.get("x-auth-token", ""), call.now):
            refuse(tables.WRONG_TOKEN)
        ends = call.now + timedelta(seconds=asked.seconds or tables.KEY_LIFE[0])
        account = Account(
            access_key=f"HST{self._secret()[:17].upper()}",
            secret_key=self._secret(2)[:40],
            token=self._secret(4),
            expires_at=ends,
        )
        self.site.accounts.put(account.access_key, account)
        return _told(call, wire.credential(account.access_key, account.secret_key, account.token, ends), 201)

    def hints(self) -> Mapping[str, str]:
        """Ids that are known in strict mode too."""
        return {
            "project_id": project_id(tables.REGION),
            "region": tables.REGION,
            "app_id": tables.DEFAULT_APP,
            "instance_id": tables.INSTANCE,
            "bucket": tables.BUCKET,
        }

    def _project(self, name: str) -> Steps[str]:
        """The id of a project, which is known from now on."""
        found = project_id(name)
        yield from self._projects.put(found, name)
        return found

    def _secret(self, parts: int = 1) -> str:
        return "".join(self.site.world.nonce() for _ in range(parts))


def _told(call: Call, body: dict[str, Any], status: int = 200, *more: tuple[str, str]) -> Answer:
    return answer(call, body, status, ("X-IAM-Trace-Id", call.id), *more)


def _same(given: str, own: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), own.encode("utf-8", "surrogatepass"))
