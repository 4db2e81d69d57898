"""Every error that otabridge raises on purpose.

OtaBridgeError
  ConfigurationError           a setting, a file or a credential is missing or wrong
  PluginLoadError              a plugin cannot be used
  UnsupportedError             the cloud, or our backend for it, cannot do this
  ValidationError              an argument breaks a limit: field, limit, value
  PagingError                  a list could not be read completely
  IntegrityError               bytes differ from their length or digest
  OutcomeUnknownError          a write was sent, and whether it took effect is not known
  TransportError               no answer
    ConnectError               no connection, so nothing was sent
    RequestTimeoutError        the answer did not come in time
  ProtocolError                an answer came that is not the protocol's
  ApiError                     the cloud answered with an error
    AuthenticationError  ForbiddenError  NotFoundError  ConflictError  InvalidRequestError
    QuotaExceededError  RateLimitError  ServerError
"""

from typing import Any, Self


class OtaBridgeError(Exception):
    """Base of every error that otabridge raises on purpose."""


class ConfigurationError(OtaBridgeError):
    """A setting, a configuration file or a credential is missing or wrong."""


class PluginLoadError(OtaBridgeError):
    """A plugin cannot be used; the message says which, and why."""


class UnsupportedError(OtaBridgeError):
    """The cloud, or our backend for it, cannot do this. Raised before any request."""


class ValidationError(OtaBridgeError):
    """An argument breaks one of the cloud's limits. Raised before any request."""

    def __init__(self, message: str, *, field: str = "", limit: str = "", value: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.limit = limit
        self.value = value

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


class PagingError(OtaBridgeError):
    """A list could not be read completely, or its cursors run in a circle."""


class IntegrityError(OtaBridgeError):
    """Bytes differ from the length or digest that was promised."""


class _Answered(OtaBridgeError):
    """What support will ask for, kept on every error that concerns one request."""

    def __init__(
        self,
        message: str,
        *,
        backend: str = "",
        operation: str = "",
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.backend = backend
        self.operation = operation
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after

    def __str__(self) -> str:
        known = {
            "operation": " ".join(filter(None, (self.backend, self.operation))),
            "status": self.status,
            "code": self.code,
            "request id": self.request_id,
        }
        facts = ", ".join(f"{name} {value}" for name, value in known.items() if value)
        return f"{self.message} ({facts})" if facts else self.message

    def facts(self) -> dict[str, Any]:
        """What is known beside the message, as arguments for another error of what was answered."""
        return {name: value for name, value in vars(self).items() if name in _FACTS}

    def reworded(self, message: str) -> Self:
        """The same error in other words."""
        return type(self)(message, **self.facts())

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


_FACTS = ("backend", "operation", "status", "code", "request_id", "retry_after")


class OutcomeUnknownError(_Answered):
    """A write was sent and its answer lost: it may or may not have taken effect. Look before you repeat it."""


class TransportError(_Answered):
    """The request got no answer: the connection broke or was refused."""


class ConnectError(TransportError):
    """No connection could be made, so nothing was sent."""


class RequestTimeoutError(TransportError):
    """The answer did not come in time."""


class ProtocolError(_Answered):
    """An answer came that is not the protocol's; `excerpt` holds its first characters, less its secrets."""

    excerpt: str = ""


class ApiError(_Answered):
    """The cloud answered with an error; `code` and `message` are the vendor's."""


class AuthenticationError(ApiError):
    """The credentials, the signature or the time were refused."""


class ForbiddenError(ApiError):
    """The credentials are valid and do not allow this."""


class NotFoundError(ApiError):
    """The object does not exist."""


class ConflictError(ApiError):
    """The object exists already, or another one stands in the way."""


class InvalidRequestError(ApiError):
    """The cloud refused a parameter."""


class QuotaExceededError(ApiError):
    """A count is used up (modules of a product, packages of an instance): waiting does not help."""


class RateLimitError(ApiError):
    """Too many requests: it was refused before it took effect, and waiting helps."""


class ServerError(ApiError):
    """The cloud failed."""


def _rebuild(cls: type[OtaBridgeError], args: tuple[object, ...], state: dict[str, object]) -> OtaBridgeError:
    error = cls.__new__(cls)
    error.args = args
    error.__dict__.update(state)
    return error
