"""The days that figures are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from knowledge.errors import InvalidInput
from knowledge.store.tables.base import utc_now

MOST_DAYS = 366
_USUAL = 30


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, both ends included; at most :data:`MOST_DAYS` of them.

    Raises :class:`InvalidInput` for one that ends before it begins, or is longer.
    """

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise InvalidInput(
                f"The period begins on {self.first} and ends before, on {self.last}.",
                "Exchange the two days.",
            )
        if (self.last - self.first).days >= MOST_DAYS:
            raise InvalidInput(
                f"The period has more than {MOST_DAYS} days.", "Ask for a shorter one."
            )

    @classmethod
    def of(cls, first: date | None, last: date | None) -> Period:
        """The period given; without its end up to today, without its begin 30 days long."""
        end = last or utc_now().date()
        return cls(first or end - timedelta(days=_USUAL - 1), end)

    @property
    def days(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    @property
    def begins(self) -> datetime:
        """Its first moment."""
        return datetime.combine(self.first, time(), utc_now().tzinfo)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time(), utc_now().tzinfo)
