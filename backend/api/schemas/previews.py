"""What a crawl would read, over the wire."""

from __future__ import annotations

from pydantic import BaseModel, Field

from knowledge.crawl_preview import CrawlPreview, JudgedAddress, Rule


class AddressView(BaseModel):
    """An address and the rule that decides on it, with the pattern that it goes by."""

    address: str = Field(examples=["https://www.example.com/blog/news"])
    found_in: str = Field(examples=["sitemap", "start"])
    included: bool
    rule: Rule = Field(examples=["exclude"])
    pattern: str = Field(examples=["/blog/*"])
    modified: str = Field(description="What the sitemap says, as written there.")

    @classmethod
    def of(cls, judged: JudgedAddress) -> AddressView:
        """The view of an address."""
        return cls(
            address=judged.address,
            found_in=judged.found_in,
            included=judged.verdict.is_in,
            rule=judged.verdict.rule,
            pattern=judged.verdict.pattern,
            modified=judged.modified,
        )


class StartPageView(BaseModel):
    """The start page. ``fault`` says why it could not be read."""

    address: str
    title: str
    fault: str
    noindex: bool
    nofollow: bool


class PreviewView(BaseModel):
    """What a crawl with these rules would begin with. Further links are found as it goes.

    ``addresses`` holds up to fifty of each rule, ``counts`` all of them. ``over_limit``: more
    belong to the source than ``max_pages`` lets in. ``stopped``: ``time`` or ``number`` where not
    everything could be looked at.
    """

    start: StartPageView
    sitemaps: list[str]
    crawl_delay_s: float
    included: int
    excluded: int
    over_limit: bool
    counts: dict[Rule, int] = Field(examples=[{"include": 120, "exclude": 14}])
    addresses: list[AddressView]
    stopped: str = Field(examples=["", "time", "number"])

    @classmethod
    def of(cls, found: CrawlPreview, max_pages: int) -> PreviewView:
        """The view of a preview."""
        start = StartPageView(
            address=found.start,
            title=found.title,
            fault=found.start_fault,
            noindex=found.noindex,
            nofollow=found.nofollow,
        )
        return cls(
            start=start,
            sitemaps=found.sitemaps,
            crawl_delay_s=found.crawl_delay_s,
            included=found.included,
            excluded=found.excluded,
            over_limit=found.included > max_pages,
            counts=found.counts,
            addresses=[AddressView.of(judged) for judged in found.addresses],
            stopped=found.stopped,
        )
