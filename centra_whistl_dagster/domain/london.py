"""The time zone of the shop's day: shoppers, the warehouse and the people who read alerts."""

from __future__ import annotations

from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
"""Moments are UTC inside; this zone decides the day, the hour of the week and office hours."""
