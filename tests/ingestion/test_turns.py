"""Fair turns: a group with much to do does not keep one with little waiting."""

from __future__ import annotations

import asyncio

from ingestion.turns import FairTurns


async def test_groups_take_turns_whatever_each_has_waiting() -> None:
    turns = FairTurns()
    order: list[str] = []

    async def work(group: str) -> None:
        async with turns.turn(group):
            order.append(group)
            await asyncio.sleep(0)

    large = [asyncio.create_task(work("large")) for _ in range(40)]
    await asyncio.sleep(0)
    small = [asyncio.create_task(work("small")) for _ in range(4)]
    await asyncio.gather(*large, *small)
    places = [place for place, group in enumerate(order) if group == "small"]
    assert places[-1] <= 10


async def test_a_turn_that_is_given_up_goes_to_the_next() -> None:
    turns = FairTurns()
    opened, order = asyncio.Event(), list[str]()

    async def work(group: str) -> None:
        async with turns.turn(group):
            await opened.wait()
            order.append(group)

    first, given_up, last = (asyncio.create_task(work(name)) for name in ("a", "b", "c"))
    await asyncio.sleep(0)
    given_up.cancel()
    opened.set()
    await asyncio.gather(first, last)
    assert order == ["a", "c"]
