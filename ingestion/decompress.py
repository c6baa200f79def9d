"""Undoing a response's content encoding without ever holding more than a limit.

httpx decodes whatever one network read holds at once, and encodings may be stacked, so that a few
kilobytes can become gigabytes before anyone can count them. Only gzip and deflate are asked for,
one layer is undone, and each step is bounded.
"""

from __future__ import annotations

import zlib

from knowledge.errors import FetchError, ResponseTooLarge

ACCEPTED = "gzip, deflate"
_STEP = 1 << 20


class Decompressor:
    """Bytes as sent in, bytes as meant out; at most ``limit`` bytes in all."""

    def __init__(self, encoding: str, limit: int) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise FetchError(
                f"The response is encoded as {encoding!r}, which was not asked for.",
                "The website's server has to respect the Accept-Encoding header.",
            )
        self._limit = limit
        self._taken = 0
        self._deflate = name == "deflate"
        self._engine = None if name in ("", "identity") else zlib.decompressobj(wbits=47)

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes.

        Raises :class:`ResponseTooLarge` past the limit and :class:`FetchError` for bytes that are
        not in the encoding they claim.
        """
        if self._engine is None:
            return self._count(data)
        pieces = []
        try:
            while data:
                pieces.append(self._count(self._engine.decompress(data, _STEP)))
                data = self._engine.unconsumed_tail
        except zlib.error as error:
            return self._retry_raw(data, error)
        return b"".join(pieces)

    def _retry_raw(self, data: bytes, error: zlib.error) -> bytes:
        # Some servers send a raw deflate stream where the standard means a zlib stream.
        if self._deflate and self._taken == 0:
            self._deflate = False
            self._engine = zlib.decompressobj(wbits=-15)
            return self.feed(data)
        raise FetchError(
            "The response's compression is damaged.", "The website's server has to be repaired."
        ) from error

    def _count(self, data: bytes) -> bytes:
        self._taken += len(data)
        if self._taken > self._limit:
            raise ResponseTooLarge(
                f"The response is over the limit of {self._limit:,} bytes.",
                "Raise CANDOR_FETCH_MAX_BYTES if pages of this size are meant to be read.",
            )
        return data
