"""The one table from domain errors to HTTP: problem+json after RFC 9457, with an ``action``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from knowledge import errors
from knowledge.errors import CandorError

_log = structlog.get_logger()

_STATUS: dict[type[CandorError], tuple[int, str]] = {
    errors.InvalidInput: (422, "The request is not valid"),
    errors.NotFound: (404, "Not found"),
    errors.Conflict: (409, "Conflict"),
    errors.Unauthenticated: (401, "Sign in first"),
    errors.Forbidden: (403, "Not allowed"),
    errors.LimitExceeded: (413, "Too large"),
    errors.FetchError: (502, "The address could not be read"),
    errors.AddressRefused: (422, "The address is refused"),
    errors.ParseError: (422, "The file could not be read"),
    errors.EncoderError: (503, "The encoder failed"),
    errors.MissingExtra: (503, "An optional package is not installed"),
    errors.IndexFault: (503, "The index failed"),
    errors.EncoderMismatch: (409, "The index belongs to another encoder"),
    errors.StoreFault: (503, "The records cannot be reached"),
    errors.DiskFull: (507, "The disk is full"),
    errors.LanguageModelError: (502, "The language model failed"),
    CandorError: (500, "Something failed"),
}


class Problem(BaseModel):
    """An error as every endpoint tells it (RFC 9457, ``application/problem+json``)."""

    type: str = "urn:candor:not-found"
    title: str = "Not found"
    status: int = 404
    detail: str = "There is no document 7d0f7f0e-6f0c-4f53-a0f5-7a6f2d6c9a11."
    action: str = ""
    instance: str = "/api/v1/documents/7d0f7f0e-6f0c-4f53-a0f5-7a6f2d6c9a11"


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": title}
    for status, title in [
        (401, "No valid token or session came with the request"),
        (403, "The role does not allow this"),
        (404, "No such thing in this workspace"),
        (422, "The request is not valid"),
    ]
}


def problem(error: CandorError) -> dict[str, Any]:
    """What a reader is told of an error, without the address it happened at."""
    status, title = next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)
    if isinstance(error, errors.LimitExceeded) and error.retry_after is not None:
        status, title = 429, "Too many requests"
    return {
        "type": f"urn:candor:{error.code}",
        "title": title,
        "status": status,
        "detail": error.detail,
        "action": error.action,
    }


def respond(
    request: Request, body: dict[str, Any], headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A problem as a response."""
    return JSONResponse(
        body | {"instance": request.url.path},
        status_code=body["status"],
        media_type="application/problem+json",
        headers=dict(headers or {}),
    )


def install(app: FastAPI) -> None:
    """Tell the application how errors look."""
    app.add_exception_handler(CandorError, _on_domain_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, CandorError)
    body = problem(error)
    if body["status"] >= 500:
        _log.error("request failed", code=error.code, detail=error.detail, cause=error.__cause__)
    headers = {}
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="candor"'
    if isinstance(error, errors.LimitExceeded) and error.retry_after is not None:
        headers["Retry-After"] = str(max(1, round(error.retry_after)))
    return respond(request, body, headers)


async def _on_invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = [
        {"at": ".".join(str(part) for part in one["loc"]), "problem": one["msg"]}
        for one in error.errors()
    ]
    detail = "; ".join(f"{one['at']}: {one['problem']}" for one in found[:5])
    body = problem(errors.InvalidInput(f"{detail}.", "Correct the request and send it again."))
    return respond(request, body | {"errors": jsonable_encoder(found)})


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    body = {
        "type": "about:blank",
        "title": str(error.detail),
        "status": error.status_code,
        "detail": f"{request.method} {request.url.path}: {error.detail}.",
        "action": "/api/v1/openapi.json describes every address.",
    }
    return respond(request, body, error.headers)


def on_unexpected(request: Request, error: Exception) -> JSONResponse:
    """The answer to what nobody foresaw: logged whole, told in short."""
    _log.error("unexpected error", exc_info=error)
    request_id = getattr(request.state, "request_id", "")
    body = {
        "type": "urn:candor:unexpected",
        "title": "Something unexpected failed",
        "status": 500,
        "detail": "The server met an error that it did not foresee.",
        "action": f"The server's log has it under the request id {request_id}.",
    }
    return respond(request, body)
