"""When visitors may have a person: on request, offered, and at which hours."""

from __future__ import annotations

from datetime import datetime, time
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

EMAIL = r"^[^@\s]{1,64}@[^@\s]{1,255}$"
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
DAYS: tuple[Day, ...] = get_args(Day)
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["09:00"])]
Word = Annotated[str, Field(min_length=1, max_length=60)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {name}; one is Europe/Berlin") from error
    return name


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class OpenTime(_Part):
    """Some days of the week, from one time to a later one."""

    days: list[Day] = Field(min_length=1, max_length=7)
    opens: Clock
    closes: Clock

    @model_validator(mode="after")
    def _in_order(self) -> OpenTime:
        if self.opens >= self.closes:
            raise ValueError(f"{self.closes} is not later than {self.opens}")
        return self


class HandoffHours(_Part):
    """The hours at which people answer, in a time zone of the IANA's; no times: always."""

    time_zone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] = "UTC"
    times: list[OpenTime] = Field(default_factory=list, max_length=28)

    def are_on(self, now: datetime) -> bool:
        """Whether it is one of these hours."""
        if not self.times:
            return True
        here = now.astimezone(ZoneInfo(self.time_zone))
        day, clock = DAYS[here.weekday()], here.time()
        return any(
            day in one.days
            and time.fromisoformat(one.opens) <= clock < time.fromisoformat(one.closes)
            for one in self.times
        )


class HandoffRules(_Part):
    """Whether visitors may ask for a person, and when one is offered to them.

    ``after_unanswered``: after so many questions in a row without an answer; 0: never. ``words``:
    after a question that holds one of these. Outside ``hours`` nobody counts as being there;
    visitors then read ``message`` and ``email``.
    """

    enabled: bool = False
    email: Annotated[str, Field(max_length=320, pattern=rf"^$|{EMAIL}")] = ""
    message: str = Field(default="", max_length=500)
    after_unanswered: int = Field(default=0, ge=0, le=10)
    words: list[Word] = Field(default_factory=list, max_length=50)
    hours: HandoffHours = Field(default_factory=HandoffHours)
