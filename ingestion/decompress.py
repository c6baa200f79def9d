"""Undoing a response's content encoding without ever holding more than a limit.

httpx decodes whatever one network read holds at once, and encodings may be stacked, so that a few
kilobytes can become gigabytes before anyone can count them. Only gzip and deflate are asked for,
one layer is undone, and each step is bounded.
"""

from __future__ import annotations

import zlib

from knowledge.errors import FetchError, ResponseDamaged, ResponseTooLarge

ACCEPTED = "gzip, deflate"
_STEP = 1 << 20
_PIECE = 1 << 16
_GZIP = b"\x1f\x8b"
_MOST_MEMBERS = 10_000


class Decompressor:
    """Bytes as sent in, bytes as meant out; at most ``limit`` bytes in all.

    ``taken``: how many came out so far.
    """

    def __init__(self, encoding: str, limit: int) -> None:
        name = encoding.strip().lower()
        if name not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise FetchError(
                f"The response is encoded as {encoding!r}, which was not asked for.",
                "The website's server has to respect the Accept-Encoding header.",
            )
        self._limit = limit
        self.taken = 0
        self._may_be_raw = name == "deflate"
        self._has_members = name in ("gzip", "x-gzip")
        self._engine = None if name in ("", "identity") else zlib.decompressobj(wbits=47)
        self._began = False
        self._members = 1
        self._ahead = b""

    def feed(self, data: bytes) -> bytes:
        """Decode the next bytes.

        Raises :class:`ResponseTooLarge` past the limit and :class:`ResponseDamaged` for bytes that
        are not in the encoding they claim.
        """
        if self._engine is None:
            return self._count(data)
        if not self._began:
            # Whether it is a zlib stream or a raw one shows at the second byte.
            data, self._ahead = self._ahead + data, b""
            if len(data) < 2:
                self._ahead = data
                return b""
        pieces = []
        # In small pieces: the engine copies what lies behind the end of each gzip member.
        for start in range(0, len(data), _PIECE):
            pieces += self._decode(data[start : start + _PIECE])
        return b"".join(pieces)

    def finish(self) -> None:
        """There are no more bytes. Raises :class:`ResponseDamaged` where some are missing."""
        is_begun = self._began or self._ahead
        if self._engine is not None and is_begun and not self._engine.eof:
            raise ResponseDamaged(
                "The response ends in the middle of its compressed data.",
                "Try again; if it stays so, the website's server has to be repaired.",
            )

    def _decode(self, data: bytes) -> list[bytes]:
        assert self._engine is not None
        pieces = []
        try:
            while data:
                if self._engine.eof and not (data := self._next_member(data)):
                    break
                self._began = True
                pieces.append(self._count(self._engine.decompress(data, _STEP)))
                data = self._engine.unused_data or self._engine.unconsumed_tail
        except zlib.error as error:
            return self._retry_raw(data, error)
        return pieces

    def _next_member(self, data: bytes) -> bytes:
        """Begin with the gzip member that follows (RFC 1952, section 2.2), and its bytes.

        What follows and is none is padding, which is skipped, as by browsers.
        """
        data, self._ahead = self._ahead + data, b""
        if not self._has_members or not _GZIP.startswith(data[: len(_GZIP)]):
            self._has_members = False
            return b""
        if len(data) < len(_GZIP):
            self._ahead = data
            return b""
        self._members += 1
        if self._members > _MOST_MEMBERS:
            raise ResponseTooLarge(
                f"The response is compressed in more than {_MOST_MEMBERS:,} parts.",
                "The website's server has to compress it as one.",
            )
        self._engine = zlib.decompressobj(wbits=47)
        return data

    def _retry_raw(self, data: bytes, error: zlib.error) -> list[bytes]:
        # Some servers send a raw deflate stream where the standard means a zlib stream.
        if self._may_be_raw and self.taken == 0:
            self._may_be_raw = False
            self._engine = zlib.decompressobj(wbits=-15)
            return self._decode(data)
        raise ResponseDamaged(
            "The response's compression is damaged.", "The website's server has to be repaired."
        ) from error

    def _count(self, data: bytes) -> bytes:
        self.taken += len(data)
        if self.taken > self._limit:
            raise ResponseTooLarge(
                f"The response is over the limit of {self._limit:,} bytes.",
                "Raise CANDOR_FETCH_MAX_BYTES if pages of this size are meant to be read.",
            )
        return data
