"""Behaviour that the systems' documentation leaves open, or that a test wants to go wrong, by name.

A share is the part, from 0 to 1, of the things it applies to; the world's seed decides which ones.
"""

from __future__ import annotations

from typing import Any

SWITCHES: dict[str, Any] = {
    # ======== Centra
    # completeShipment of one not good-to-go or unpaid: "refuse" | "allow"
    "centra_complete_unreleased": "refuse",
    # completeShipment of a shipped shipment: "error" | "no-op"
    "centra_repeated_complete": "error",
    # createShipment of units allocated to no stock: "refuse" | "allow"
    "centra_unallocated_in_shipment": "refuse",
    # capture inside createShipment; False makes the shipment all the same, with a warning
    "centra_capture_succeeds": True,
    # createShipment with shippedAt ships at once; False leaves the shipment open
    "centra_ships_on_create": True,
    # a sentence that every created or completed shipment is warned with; None: no warning
    "centra_shipment_warning": None,
    # seconds that Centra's clock is behind: its Date header, and what it takes for the future
    "centra_clock_behind_seconds": 0.0,
    # creating or completing a shipment changes the order's updatedAt
    "centra_shipments_touch_updated_at": True,
    # SKUs of which the warehouse has no row of stock, until a quantity is set
    "centra_lacks_stock_rows": (),
    # setStock makes the row that is lacking
    "centra_makes_stock_rows": True,
    # numbers of orders whose shipments cannot be read
    "centra_unreadable_shipments_of": (),
    # a missing permission is answered with "data": null beside "errors"
    "centra_null_data_beside_errors": False,
    # setStock PHYSICAL below what is allocated: "clamp" | "error" | "take"
    "centra_stock_below_allocated": "clamp",
    # setStock with some lines refused: False applies none of them, True applies the good ones
    "centra_applies_good_stock_lines": False,
    # setStock as before v1.59.10: of several productSizes only the first is applied, silently
    "centra_several_sizes_bug": False,
    # the Retry-After header of a 429: "unix time" | "seconds" | "iso 8601" | "http date", or None
    # for no header
    "centra_retry_after": "unix time",
    # the query `rateLimits` exists
    "centra_shows_rate_limits": True,
    # releasing a hold or receiving a payment changes updatedAt
    "centra_resume_touches_updated_at": True,
    # a status that the published enum lacks, shown for orders on hold; None shows CONFIRMED
    "centra_unknown_status": None,
    # OrderLine.shippedQuantity exists
    "centra_has_shipped_quantity": True,
    # setOrdersLock is refused, order by order
    "centra_refuses_locks": False,
    # the store makes one good-to-go shipment for every order by itself ("Direct to Shipment")
    "centra_direct_to_shipment": False,
    # a field, by order number, that fails: it comes as null, with an error that names its place
    "centra_failing_fields": {},
    # numbers of orders that no list shows yet, as a write that is not visible everywhere
    "centra_hidden_orders": (),
    # the events system is on for this environment
    "centra_events_enabled": False,
    # which changes are pushed: any of "insert", "update"
    "centra_pushed_actions": ("insert", "update"),
    # of these, the part that is never pushed
    "centra_push_dropped_share": 0.0,
    # pushes that are sent a second time
    "centra_push_repeated_share": 0.0,
    # pushes signed with another secret
    "centra_push_bad_signature_share": 0.0,
    # real seconds from a change to its push
    "centra_push_delay_seconds": 0.0,
    # numbers of orders that lists leave out, though they are counted, and read by id
    "centra_unlisted_orders": (),
    # extensions.appVersion
    "centra_app_version": "v1.61.2",
    # ======== Whistl
    # what the product puts before Centra's order number
    "order_number_prefix": "C",
    # ---- authentication and quota
    "whistl_client_id": "whistl-test-client",
    "whistl_client_secret": "whistl-test-secret",
    # None: only OAuth tokens are accepted
    "whistl_static_token": "whistl-test-token",
    # real seconds that a token lives; with few of them it expires between two pages
    "whistl_token_seconds": 14_400.0,
    # an order under another client code is refused with 403
    "whistl_client_code": "ACME",
    # None lifts it, for a test whose clock stands still
    "whistl_requests_per_minute": 120,
    "whistl_parallel_requests": 4,
    # a 429 has a Retry-After header
    "whistl_retry_after": True,
    # real seconds that each call takes, so that calls can overlap
    "whistl_seconds_per_call": 0.0,
    # ---- orders
    "whistl_order_number_length": 12,
    "whistl_ignores_idempotency_key": False,
    # a used order number makes a second order, which is sent out too
    "whistl_accepts_repeated_numbers": False,
    # what a used order number is answered with: "as agreed" (200 for the same contents, 409 for
    # others), or 409 or 422 for either
    "whistl_repeated_number": "as agreed",
    # the fingerprint of an order is of a text that is spaced otherwise than agreed
    "whistl_hashes_otherwise": False,
    # SKUs that the catalogue shows and the intake of orders does not know yet
    "whistl_intake_lacks_skus": (),
    # products are shown with `type` and `weight` for `product_type` and `unit_weight_kg`, and an
    # accepted order with its status in lower case and its version as text
    "whistl_other_spellings": False,
    # the older importer's silent damage, in place of the refusals that prevent it (see `legacy`)
    "whistl_legacy_cut": False,
    # a missing service is chosen by Whistl instead of refused
    "whistl_recalculates_service": False,
    # a refusal comes as HTTP 200 with an error inside
    "whistl_errors_in_200": False,
    # real seconds until a stored order can be read back
    "whistl_lookup_lag_seconds": 0.0,
    # the status in which an order is accepted: "HELD" or "REJECTED" at once, and nothing follows
    "whistl_first_status": "RECEIVED",
    # the list of orders takes `status`; False refuses it
    "whistl_status_filter": True,
    # how orders are shown: any of "lower_case", "numbers_as_text", "null_counts", "naive_times"
    "whistl_spelling": (),
    # members, by order number, that replace those of the order as it is shown
    "whistl_damaged_views": {},
    # orders held for a human some time after acceptance
    "hold_after_accept_share": 0.0,
    # trading-day seconds until a hold is lifted; None: never
    "hold_seconds": 1200.0,
    # orders refused after acceptance
    "late_rejected_share": 0.0,
    # orders that have a status that the API as specified does not have
    "unknown_status_share": 0.0,
    # of the orders whose cancellation is requested while they are picked, those that are cancelled
    "cancel_while_picking_share": 0.5,
    # of the orders that were stopped, those that the floor sends out all the same
    "stopped_and_sent_share": 0.0,
    # real seconds until an order's change is in any answer about orders
    "whistl_status_lag_seconds": 0.0,
    # ---- despatches
    # orders of several units with one unit that is not found
    "short_line_share": 0.0,
    # messages that come a second time, under a later sequence
    "duplicate_despatch_share": 0.0,
    # messages that come late, behind younger ones
    "out_of_order_despatch_share": 0.0,
    # messages whose parcels are labelled anew afterwards, which a correction says
    "corrected_tracking_share": 0.0,
    # messages without the courier's tracking number; Whistl's own is there
    "null_tracking_share": 0.0,
    # messages with neither tracking number; a correction brings them
    "no_tracking_share": 0.0,
    # messages without a carrier; a correction brings it
    "despatch_without_carrier_share": 0.0,
    # messages that never come
    "lost_despatch_share": 0.0,
    # messages that cannot be read, until they are put right under the same sequence
    "broken_despatch_share": 0.0,
    # messages that name as their forerunner one about another order
    "despatch_supersedes_another_share": 0.0,
    # corrections come under the same id and version as what they correct
    "despatch_correction_keeps_id": False,
    # the sequence of the next message, once
    "next_despatch_sequence": None,
    # orders of which no unit is found: a message says so, and nothing leaves
    "nothing_found_share": 0.0,
    # of the orders in two messages, those whose second parcel is cancelled by Whistl
    "rest_cancelled_share": 0.0,
    # the most messages in a page, whatever limit is asked for
    "despatches_per_page": 500,
    # an empty page says null where it ends
    "despatch_empty_page_ends_nowhere": False,
    # where every page says that it ends; "last" is the sequence of its last message
    "despatch_pages_end_at": "last",
    # sequences, versions, line numbers and quantities as text
    "despatch_numbers_as_text": False,
    # times as the warehouse's clock shows them, without an offset
    "despatch_times_without_zone": False,
    # trading-day seconds until a correction, a duplicate or a late message comes
    "despatch_correction_seconds": 1200.0,
    # ---- stock
    # None or a `whistl.snapshots.SnapshotFault`, for the snapshots taken from now on
    "snapshot_fault": None,
    # SKUs that are missing from a complete snapshot
    "vanishing_sku_share": 0.0,
    # units put aside, of random SKUs, before each snapshot
    "quarantined_per_snapshot": 0,
}
