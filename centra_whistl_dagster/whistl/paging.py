"""Reading pages one ahead: while one is being judged, the next is already on its way.

Belongs here: the thread that fetches. Does not belong here: how the next page is asked for, and
what is on it (`client`).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def one_ahead(pages: Iterator[T]) -> Generator[T, None, None]:
    """Yield what `pages` yields, asking it for the next one before the last is handed over.

    Where a page begins is known only from the one before it, so there is never more than one under
    way. What `pages` raises is raised at its turn, after the pages before it. The thread ends with
    this generator; closed early, that waits for the page under way, which has its own deadline.
    """
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="next-page") as fetcher:
        coming = fetcher.submit(next, pages, None)
        while (page := coming.result()) is not None:
            coming = fetcher.submit(next, pages, None)
            yield page
