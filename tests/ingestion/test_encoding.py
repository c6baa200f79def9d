"""Passages of many documents encoded: in fair turns, and never in the way of a search."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest

from ingestion.encoding import PassageEncoding
from knowledge.traffic import Traffic
from knowledge.types import Encoding
from tests.fakes import HashingEncoder


class HeldEncoder(HashingEncoder):
    """Writes down what it is asked for, and waits where it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[list[str]] = []
        self.go = threading.Event()
        self.go.set()

    def encode_passages(self, texts: Sequence[str]) -> list[Encoding]:
        assert self.go.wait(10)
        self.calls.append(list(texts))
        if any("poison" in text for text in texts):
            raise ValueError("poison")
        return super().encode_passages(texts)


@pytest.fixture
def encoder() -> HeldEncoder:
    return HeldEncoder()


@pytest.fixture
def searches() -> Traffic:
    return Traffic()


@pytest.fixture
async def encoding(encoder: HeldEncoder, searches: Traffic) -> AsyncIterator[PassageEncoding]:
    made = PassageEncoding(encoder, searches)
    yield made
    encoder.go.set()
    made.close()


async def test_a_document_is_encoded_the_same_whatever_else_waits(
    encoding: PassageEncoding, encoder: HeldEncoder
) -> None:
    texts = [f"{'word ' * (n * 37 % 300)}{n}" for n in range(50)]
    answer = await encoding.encode("kb", texts)
    alone = list(encoder.calls)
    assert sum(map(len, alone)) == 50
    assert all(len(call) * len(call[-1]) <= 3_000 for call in alone if len(call) > 1)
    for one, other in zip(answer, encoder.encode_passages(texts), strict=True):
        assert one.dense is not None
        assert other.dense is not None
        assert np.array_equal(one.dense, other.dense)
    encoder.calls.clear()
    others = [encoding.encode("kb", [f"{n} of another"]) for n in range(40)]
    await asyncio.gather(*others, encoding.encode("kb", texts), encoding.encode("b", ["b"]))
    assert [call for call in encoder.calls if call[0] in texts] == alone
    assert await encoding.encode("kb", []) == []


async def test_a_large_import_does_not_keep_a_small_one_waiting(
    encoding: PassageEncoding, encoder: HeldEncoder
) -> None:
    encoder.go.clear()
    large = [
        asyncio.create_task(encoding.encode("large", [f"{n} {part}" for part in range(100)]))
        for n in range(10)
    ]
    await asyncio.sleep(0)
    late = asyncio.create_task(encoding.encode("large", ["late"]))
    small = asyncio.create_task(encoding.encode("small", ["small"]))
    await asyncio.sleep(0)
    encoder.go.set()
    await asyncio.gather(*large, late, small)
    told = [text for call in encoder.calls for text in call]
    assert len(told) == 1002
    assert told.index("small") <= 66
    # Within a knowledge base, a document that came late does not wait for the whole of the others.
    assert told.index("late") < 500


async def test_what_is_given_up_is_not_encoded(
    encoding: PassageEncoding, encoder: HeldEncoder
) -> None:
    encoder.go.clear()
    first, given_up, last = (
        asyncio.create_task(encoding.encode(name, [name])) for name in ("a", "b", "c")
    )
    await asyncio.sleep(0.01)
    given_up.cancel()
    encoder.go.set()
    await asyncio.gather(first, last)
    assert [text for call in encoder.calls for text in call] == ["a", "c"]


async def test_one_document_fails_alone(encoding: PassageEncoding) -> None:
    texts = [["good"], ["fine", "poison"], ["better"]]
    answers = await asyncio.gather(
        *(encoding.encode("kb", one) for one in texts), return_exceptions=True
    )
    assert isinstance(answers[1], ValueError)
    assert [len(answers[n]) for n in (0, 2)] == [1, 1]  # type: ignore[arg-type]


async def test_it_gives_way_to_searches_but_is_not_starved(
    encoding: PassageEncoding, encoder: HeldEncoder, searches: Traffic
) -> None:
    with searches.under_way():
        waiting = asyncio.create_task(encoding.encode("kb", ["a", "b"]))
        await asyncio.sleep(0.01)
        assert not encoder.calls
        # The search never ends, and still something is encoded.
        assert len(await waiting) == 2
