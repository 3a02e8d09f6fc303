"""Reading pages one ahead: while one is processed, a thread already fetches the next."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def one_ahead(pages: Iterator[T]) -> Generator[T, None, None]:
    """Yield what `pages` yields, fetching the next page before the last one is handed over.

    Each page says where the next begins, so there is never more than one request under way. What
    `pages` raises is raised in its place, after the pages before it. The thread ends with this
    generator; closing it early waits for the request under way, which has its own deadline.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="next-page") as fetcher:
        coming = fetcher.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = fetcher.submit(next, pages, None)
            yield page
