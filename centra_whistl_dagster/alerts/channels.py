"""The process that hands messages to apprise. The only importer of apprise.

It reads letters from standard input and writes one line of JSON for each that was tried. A process
of its own, because a channel that drips its answer holds a thread for ever, and apprise's few
shared threads with it; a process can be ended.

Belongs here: apprise. Does not belong here: which letters, and what follows from a failure.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import apprise

FAILURES_IN_A_ROW = 2
"""After these a channel is left alone: one letter it cannot take is no dead channel, two are."""
SECONDS_FOR_ONE = 4.0
SENDER = "Centra to Whistl"
"""How chat programs name who speaks."""


def send(address: str, *, title: str, body: str, tone: str) -> str | None:
    """Hand one message to every service that an address names.

    Returns:
        None when all took it, else why not, in apprise's words.
    """
    asset = apprise.AppriseAsset(
        app_id=SENDER, app_desc=SENDER, async_mode=False, service_timeout=SECONDS_FOR_ONE
    )
    channel = apprise.Apprise(asset=asset)
    if not channel.add(address):
        return "the address is none that apprise knows"
    result = channel.notify(
        title=title,
        body=body,
        notify_type=apprise.NotifyType(tone),
        # Without it a mail is HTML, and what a shopper typed is markup.
        body_format=apprise.NotifyFormat.TEXT,
    )
    if result:
        return None
    said = " ".join(entry.message for entry in result.logs())
    return said[:200] or "it was refused, and no reason was given"


def _send_all(address: str, letters: Sequence[dict[str, Any]]) -> None:
    failures = 0
    for letter in letters:
        error = send(address, title=letter["title"], body=letter["body"], tone=letter["tone"])
        # One write: two channels report from two threads.
        sys.stdout.write(json.dumps({"id": letter["id"], "error": error}) + "\n")
        sys.stdout.flush()
        failures = failures + 1 if error else 0
        if failures == FAILURES_IN_A_ROW:
            return


def main() -> None:
    """Send what standard input holds, all channels at the same time, within its seconds."""
    task = json.load(sys.stdin)
    ends_at = time.monotonic() + task["seconds"]
    by_address = defaultdict(list)
    for letter in task["letters"]:
        by_address[letter["address"]].append(letter)
    threads = [
        threading.Thread(target=_send_all, args=each, daemon=True) for each in by_address.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends_at - time.monotonic()))
    # An ordinary exit waits for apprise's threads, one of which may wait for a channel for ever.
    os._exit(0)


if __name__ == "__main__":
    main()
