"""Times as the database has them: whole microseconds since 1970."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY, _SECOND = 86_400_000_000, 1_000_000


def micros(moment: datetime) -> int:
    """An aware time as an integer."""
    since = moment - _EPOCH
    return since.days * _DAY + since.seconds * _SECOND + since.microseconds


def moment(number: int) -> datetime:
    """An integer as a time in UTC."""
    return _EPOCH + timedelta(microseconds=number)
