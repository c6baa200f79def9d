"""Scrapy over the same website: run by an interpreter that has Scrapy, and nothing of Candor's.

``PYTHON benchmarks/scrapy_crawl.py ADDRESS`` follows every link within the host, takes each page's
title and text, obeys robots.txt, asks for eight pages at once, and prints pages and seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.linkextractors import LinkExtractor


class Pages(scrapy.Spider):  # type: ignore[misc]
    """Every page of a host."""

    name = "pages"
    links = LinkExtractor()

    def parse(self, response: Any) -> Iterator[Any]:
        """A page's title and text, and the pages that it leads to."""
        text = " ".join(response.css("main ::text").getall())
        yield {"address": response.url, "title": response.css("title::text").get(), "text": text}
        for link in self.links.extract_links(response):
            yield response.follow(link.url, self.parse)


def main() -> None:
    """Crawl, and say how long it took."""
    start = sys.argv[1]
    settings = {
        "ROBOTSTXT_OBEY": True,
        "CONCURRENT_REQUESTS": 8,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 8,
        "DOWNLOAD_DELAY": 0,
        "LOG_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
    }
    process = CrawlerProcess(settings)
    crawler = process.create_crawler(Pages)
    process.crawl(crawler, start_urls=[start], allowed_domains=[urlsplit(start).hostname])
    began = time.perf_counter()
    process.start()
    seconds = time.perf_counter() - began
    pages = crawler.stats.get_value("item_scraped_count", 0)
    print(json.dumps({"pages": pages, "seconds": seconds, "scrapy": scrapy.__version__}))


if __name__ == "__main__":
    main()
