"""The process that hands messages to apprise. The only importer of apprise.

It reads letters from standard input and writes one line of JSON for each that was tried. It is a
separate process because a channel that never finishes its answer blocks a thread for ever, and with
it apprise's few shared threads; a process can be ended.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Sequence

import apprise

from centra_whistl_dagster.alerts.delivery import Letter

FAILURES_IN_A_ROW = 2
"""After these a channel counts as dead: one failure may be due to the letter, two are not."""
SECONDS_FOR_ONE = 4.0
SENDER = "Centra to Whistl"
"""The sender's name in chat programs."""


def send(address: str, *, title: str, body: str, severity: str) -> str | None:
    """Hand one message to every service that an address names.

    Returns:
        None when all accepted it, else the reason in apprise's words.
    """
    asset = apprise.AppriseAsset(
        app_id=SENDER, app_desc=SENDER, async_mode=False, service_timeout=SECONDS_FOR_ONE
    )
    channel = apprise.Apprise(asset=asset)
    if not channel.add(address):
        return "apprise does not recognise the address"
    for service in channel:
        # Whoever can redirect a channel would receive its alerts, and may name a host of our own
        # network. An address can ask for it (`?redirect=yes`), so this is set on each.
        service.redirects = False
    result = channel.notify(
        title=title,
        body=body,
        notify_type=apprise.NotifyType(severity),
        # Without it a mail is HTML, and what a shopper typed would be markup.
        body_format=apprise.NotifyFormat.TEXT,
    )
    if result:
        return None
    reasons = " ".join(entry.message for entry in result.logs())
    return reasons[:200] or "refused without a reason"


def _send_all(address: str, letters: Sequence[Letter]) -> None:
    failures = 0
    for letter in letters:
        error = send(address, title=letter.title, body=letter.body, severity=letter.severity)
        # One write: two channels report from two threads.
        sys.stdout.write(json.dumps({"id": letter.id, "error": error}) + "\n")
        sys.stdout.flush()
        failures = failures + 1 if error else 0
        if failures == FAILURES_IN_A_ROW:
            return


def main() -> None:
    """Send the letters on standard input, all channels at once, within the seconds it allows."""
    task = json.load(sys.stdin)
    ends_at = time.monotonic() + task["seconds"]
    by_address: dict[str, list[Letter]] = defaultdict(list)
    for fields in task["letters"]:
        letter = Letter(**fields)
        by_address[letter.address].append(letter)
    threads = [
        threading.Thread(target=_send_all, args=channel, daemon=True)
        for channel in by_address.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, ends_at - time.monotonic()))
    # An ordinary exit would wait for apprise's threads, and one of them may never end.
    os._exit(0)


if __name__ == "__main__":
    main()
