"""Every error that Candor raises on purpose.

A domain error says what is wrong (``detail``) and what to do about it (``action``), in words for
the person who has to act. It knows nothing of HTTP or of exit codes: ``backend/api/errors.py``
and ``backend/cli`` map the classes.

::

    CandorError
    ├── InvalidInput              the caller's words are off
    │   ├── InvalidQuery          empty, or nothing to search for
    │   └── InvalidSettings       a setting is missing or contradicts another
    ├── NotFound                  no such thing, or not in this workspace
    ├── Conflict                  the thing exists, or has changed meanwhile
    ├── AccessDenied
    │   ├── Unauthenticated       no valid token or session
    │   └── Forbidden             the role does not allow it
    ├── LimitExceeded             too many, too large, too often
    ├── FetchError                an address could not be read
    │   ├── AddressRefused        private, or not http(s)
    │   ├── SiteUnavailable       down, or does not answer
    │   ├── FetchRejected         an HTTP status that says no
    │   ├── TooManyRedirects
    │   ├── BrowserUnavailable    no Chromium, or it does not start
    │   ├── RenderingFailed       a page's JavaScript did not come to an end
    │   ├── ResponseDamaged       its compression is broken, or cut off
    │   └── ResponseTooLarge
    ├── ParseError                a file could not be read
    │   ├── EmptyDocument         nothing in it
    │   ├── ScannedDocument       pictures of text only
    │   ├── EncryptedDocument     needs a password
    │   ├── UnsupportedFormat     not a format that is read
    │   ├── DamagedDocument       broken, or not what its name says
    │   ├── DocumentTooLarge      over a size, memory or time limit
    │   ├── OcrUnavailable        text recognition is on, and cannot be done
    │   ├── SpeechUnavailable     transcription is on, and cannot be done
    │   └── ParserCrashed         the parser died on it
    ├── EncoderError
    │   ├── ModelFileError        weights missing or damaged
    │   └── MissingExtra          an optional package is not installed
    ├── IndexFault                the vector index
    │   ├── IndexUnavailable      cannot be reached or opened
    │   └── EncoderMismatch       filled by another encoder
    ├── StoreFault                the data folder or the database
    │   ├── FolderLocked          another process owns it
    │   ├── FolderNotWritable
    │   ├── FolderTooNew          written by a newer version
    │   └── DiskFull
    └── LanguageModelError        the language model failed or refused
"""

from __future__ import annotations


class CandorError(Exception):
    """Base of all. ``detail`` says what is wrong, ``action`` what to do about it."""

    def __init__(self, detail: str, action: str = "") -> None:
        super().__init__(f"{detail} {action}".strip())
        self.detail = detail
        self.action = action

    @property
    def code(self) -> str:
        """The class name in kebab case: a stable name for logs, records and problem types."""
        name = type(self).__name__
        return "".join(f"-{c.lower()}" if c.isupper() else c for c in name).lstrip("-")


class InvalidInput(CandorError):
    """The caller's words are off."""


class InvalidQuery(InvalidInput):
    """A query that is empty, too long, or holds nothing to search for."""


class InvalidSettings(InvalidInput):
    """A setting is missing, malformed, or contradicts another."""


class NotFound(CandorError):
    """No such thing, or it belongs to another workspace."""


class Conflict(CandorError):
    """The thing exists already, or has changed meanwhile."""


class AccessDenied(CandorError):
    """The caller may not do this."""


class Unauthenticated(AccessDenied):
    """No valid token or session came with the request."""


class Forbidden(AccessDenied):
    """The caller is known, and its role does not allow this."""


class LimitExceeded(CandorError):
    """Too many, too large, or too often. ``retry_after`` is in seconds where waiting helps;
    ``limit`` is the name of a limit, for the log.
    """

    def __init__(
        self, detail: str, action: str = "", retry_after: float | None = None, limit: str = ""
    ) -> None:
        super().__init__(detail, action)
        self.retry_after = retry_after
        self.limit = limit


class FetchError(CandorError):
    """An address could not be read."""


class AddressRefused(FetchError):
    """The address is not http(s), or leads to a private, loopback or link-local network."""


class SiteUnavailable(FetchError):
    """The site is down, does not answer in time, or its name does not resolve."""


class FetchRejected(FetchError):
    """The site answered with a status that says no. ``status`` is the HTTP status code."""

    def __init__(self, detail: str, action: str = "", status: int = 0) -> None:
        super().__init__(detail, action)
        self.status = status


class TooManyRedirects(FetchError):
    """The address redirects in a circle, or too often."""


class BrowserUnavailable(FetchError):
    """The browser that pages with JavaScript are read with is missing or does not start."""


class RenderingFailed(FetchError):
    """A page's JavaScript did not come to an end, or broke the browser."""


class ResponseDamaged(FetchError):
    """The response's compression is broken, or ends in the middle."""


class ResponseTooLarge(FetchError):
    """The response is over the byte limit, before or after decompression."""


class ParseError(CandorError):
    """A file could not be read."""


class EmptyDocument(ParseError):
    """There is no text in the file."""


class ScannedDocument(ParseError):
    """The file holds pictures of text and no text."""


class EncryptedDocument(ParseError):
    """The file needs a password."""


class UnsupportedFormat(ParseError):
    """The file is of a format that is not read."""


class DamagedDocument(ParseError):
    """The file is broken, truncated, or not what its name says."""


class DocumentTooLarge(ParseError):
    """The file is over a size, memory or time limit."""


class OcrUnavailable(ParseError):
    """Text recognition is turned on, and its package, program or language is missing."""


class SpeechUnavailable(ParseError):
    """Transcription is turned on, and its package or model is missing."""


class ParserCrashed(ParseError):
    """The parser died while reading the file."""


class EncoderError(CandorError):
    """The encoder failed."""


class ModelFileError(EncoderError):
    """A model's file is missing, damaged, or of another version."""


class MissingExtra(EncoderError):
    """An optional package that this needs is not installed."""


class IndexFault(CandorError):
    """The vector index failed."""


class IndexUnavailable(IndexFault):
    """The vector index cannot be reached or opened."""


class EncoderMismatch(IndexFault):
    """The index was filled by another encoder."""


class StoreFault(CandorError):
    """The data folder or the database failed."""


class FolderLocked(StoreFault):
    """Another process owns the data folder."""


class FolderNotWritable(StoreFault):
    """The data folder cannot be written."""


class FolderTooNew(StoreFault):
    """The data folder was written by a newer version."""


class DiskFull(StoreFault):
    """There is no space left."""


class LanguageModelError(CandorError):
    """The language model failed, refused, or could not be reached."""
