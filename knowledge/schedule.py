"""When a source is to be read again without being asked."""

from __future__ import annotations

from datetime import UTC, datetime

from croniter import CroniterError, croniter

from knowledge.errors import InvalidInput


def next_time(schedule: str, after: datetime) -> datetime:
    """When a cron expression (five fields, UTC) comes true next.

    Raises :class:`InvalidInput` for what is no cron expression.
    """
    try:
        if len(schedule.split()) != 5:
            raise ValueError("it has not five fields")
        found: datetime = croniter(schedule, after.astimezone(UTC)).get_next(datetime)
    except (CroniterError, ValueError) as error:
        raise InvalidInput(
            f"{schedule!r} is not a schedule: {error}.",
            "Write five fields as cron does: '0 3 * * *' is every night at three, UTC.",
        ) from error
    return found
