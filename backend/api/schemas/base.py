"""What all schemas share: pages, and the query parameters that ask for one."""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, ConfigDict

from knowledge.store.paging import MAX_LIMIT, Page, PageRequest

View = TypeVar("View")


class Body(BaseModel):
    """A request's body: a field that nobody knows is a mistake worth telling."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class PageView(BaseModel, Generic[View]):
    """One page of a list. Send ``next_cursor`` back as ``cursor`` to get the next."""

    items: list[View]
    next_cursor: str | None = None

    @classmethod
    def of(cls, page: Page[View]) -> PageView[View]:
        """A page as it goes over the wire."""
        return cls(items=page.items, next_cursor=page.next_cursor)


def _page_request(
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items of a page.")] = 50,
    cursor: Annotated[str, Query(max_length=200, description="`next_cursor` of a page.")] = "",
) -> PageRequest:
    return PageRequest(limit, cursor)


Paging = Annotated[PageRequest, Depends(_page_request)]
