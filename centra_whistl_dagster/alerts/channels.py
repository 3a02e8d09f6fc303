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


_MAIL = {
    *("mailto", "mailtos", "azure", "brevo", "mailgun", "o365", "postmark", "resend", "sendgrid"),
    *("ses", "smtp2go", "sparkpost"),
}
"""Services that take a whole HTML document. Chats call their few tags HTML too."""


def send(
    address: str, *, title: str, body: str, severity: str, html: str | None = None
) -> str | None:
    """Hand one message to every service that an address names: HTML to mail, else the text.

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
    mails = [service for service in channel if html and _is_mail(service)]
    others = [service for service in channel if service not in mails]
    # Without a format a mail is HTML, and what a shopper typed would be markup.
    parts = ((others, body, "text"), (mails, html or "", "html"))
    reasons: list[str] = []
    for services, text, body_format in parts:
        if not services:
            continue
        result = apprise.Apprise(services, asset=asset).notify(
            title=title,
            body=text,
            notify_type=apprise.NotifyType(severity),
            body_format=apprise.NotifyFormat(body_format),
        )
        if not result:
            logged = " ".join(entry.message for entry in result.logs())
            reasons.append(logged or "refused without a reason")
    return " ".join(reasons)[:200] or None


def _is_mail(service: apprise.NotifyBase) -> bool:
    names: set[str] = service.schemas()  # type: ignore[no-untyped-call]
    return not _MAIL.isdisjoint(names)


def _send_all(address: str, letters: Sequence[Letter]) -> None:
    failures = 0
    for letter in letters:
        error = send(
            address,
            title=letter.title,
            body=letter.body,
            severity=letter.severity,
            html=letter.html,
        )
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
