"""What each job, sensor and schedule is for, in the words of those who depend on it.

An alert about one that fails begins with what the failure means for the business. A job, sensor or
schedule without an entry fails a test. Does not belong here: why one failed, and what to do about
it (`failure_details`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from centra_whistl_dagster.domain.exceptions.responsibilities import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What one of them does, and what follows while it does not."""

    does: str
    """For a title, such as `Sending orders to Whistl`."""
    while_failing: str
    """Whole sentences; blank where nothing is known of it."""
    severity: Severity = Severity.URGENT
    afterwards: str = "It is started again automatically."
    """What happens once the cause was corrected."""


_SENDING = Purpose(
    does="Sending orders to Whistl",
    while_failing=(
        "New orders may not reach Whistl until a run succeeds. None is lost: each is read again "
        "and sent once."
    ),
)
_COMPLETING = Purpose(
    does="Completing shipments in Centra",
    while_failing=(
        "Parcels that have left may not be completed in Centra, so their customers get no shipping "
        "e-mail yet. Each is completed once a run succeeds."
    ),
)
_STOCK = Purpose(
    does="Updating Centra's stock",
    while_failing=(
        "Centra keeps the last figures and subtracts what it sells. Goods that came in at Whistl "
        "are not for sale yet, and goods lost there still are, until a run succeeds."
    ),
)
_REFERENCE = Purpose(
    does="Reading products, shipping options and services",
    while_failing=(
        "New SKUs, options and services are not known yet, so orders that need them stay blocked. "
        "After reference_max_age_hours (config/policy.toml) no new order is screened or sent."
    ),
)
_BALANCE = Purpose(
    does="Comparing the open orders with Centra",
    while_failing=(
        "An order that is confirmed in Centra and never arrives here would not be noticed. Orders "
        "that have arrived are processed as usual."
    ),
    severity=Severity.WARNING,
)
_OPERATIONS = Purpose(
    does="Listing exceptions and service levels",
    while_failing=(
        "The lists in Dagster are out of date, and nothing checks that alerts reach their teams, "
        "or that orders and despatches come as usual. What comes is processed as usual."
    ),
    severity=Severity.WARNING,
)
_HISTORY = Purpose(
    does="Publishing the history",
    while_failing=(
        "Analysts see the figures of the last publication. Orders, parcels and stock are processed "
        "as usual."
    ),
    severity=Severity.WARNING,
)
_BRIEF = Purpose(
    does="Writing the daily brief and deleting old data",
    while_failing=(
        "Today's brief may be missing, and personal data past its retention may not have been "
        "deleted."
    ),
    severity=Severity.WARNING,
    afterwards="Then start the job by hand: the next run is at 07:00 tomorrow.",
)
_HISTORY_DAY = Purpose(
    does="Loading one day into the history",
    while_failing=(
        "The history lacks what that day should have. Orders, parcels and stock are processed as "
        "usual."
    ),
    severity=Severity.WARNING,
    afterwards="Then start the day's run again by hand: nothing else does.",
)
_PURGE = Purpose(
    does="Deleting old runs from Dagster's storage",
    while_failing="Dagster's storage grows. Orders, parcels and stock are processed as usual.",
    severity=Severity.WARNING,
)

PURPOSES: Mapping[str, Purpose] = MappingProxyType(
    {
        # ---- jobs
        "relay_orders": _SENDING,
        "relay_despatches": _COMPLETING,
        "sync_stock": _STOCK,
        "refresh_reference": _REFERENCE,
        "publish_history": _HISTORY,
        "watch_operations": _OPERATIONS,
        "daily_operations": _BRIEF,
        "watch_the_balance": _BALANCE,
        "purge_old_runs": _PURGE,
        "load_history_day": _HISTORY_DAY,
        # ---- schedules
        "stock_on_cadence": _STOCK,
        "reference_when_old": _REFERENCE,
        "balance_every_five_minutes": _BALANCE,
        "operations_every_ten_minutes": _OPERATIONS,
        "history_every_two_minutes": _HISTORY,
        "daily_brief_at_seven": _BRIEF,
        "purge_every_hour": _PURGE,
        "sweep_of_orders": Purpose(
            does="Sweeping Centra for missed orders",
            while_failing=(
                "An order that reading by time missed would not be found. All others are sent as "
                "usual."
            ),
            severity=Severity.WARNING,
        ),
        "sweep_of_despatches": Purpose(
            does="Sweeping Whistl for missed despatches",
            while_failing=(
                "A despatch that arrived late would not be found, and its customer would get no "
                "shipping e-mail. All others are completed as usual."
            ),
            severity=Severity.WARNING,
        ),
        # ---- sensors
        "new_centra_orders": Purpose(
            does="Polling Centra for new orders",
            while_failing="New orders are found by the sweep every ten minutes, and sent later.",
        ),
        "centra_events": Purpose(
            does="Reading Centra's list of changed orders",
            while_failing=(
                "Centra is polled all the same, so orders are read at most half a minute later."
            ),
            severity=Severity.WARNING,
        ),
        "new_whistl_despatches": Purpose(
            does="Polling Whistl for despatches",
            while_failing=(
                "Despatches are found when something else starts a relay, or by the sweep once an "
                "hour, so customers get their shipping e-mails later."
            ),
        ),
        "work_is_due": Purpose(
            does="Starting what is due: retries, look-ups, corrected orders",
            while_failing=(
                "Orders and parcels that have to be tried again, and blocked orders that were "
                "corrected, wait until something else starts a relay."
            ),
        ),
        "whistl_reference_changed": Purpose(
            does="Polling Whistl for new products and services",
            while_failing="They are noticed up to half an hour later, and orders wait for them.",
            severity=Severity.WARNING,
        ),
        "exceptions_changed": Purpose(
            does="Writing alerts about exceptions",
            while_failing=(
                "No team is alerted to new, overdue or resolved exceptions. Until it is corrected, "
                "the desk and `centra-whistl exceptions` list them."
            ),
        ),
        "alerts_waiting": Purpose(
            does="Sending alerts",
            while_failing=(
                "Teams may not learn what is wrong. Inform those named here in person until their "
                "channels accept alerts again."
            ),
        ),
        "checks_changed": Purpose(
            does="Watching checks, jobs and sensors",
            while_failing="A check, job or sensor that fails alerts nobody.",
        ),
        "dead_mans_switch": Purpose(
            does="Sending signs of life to the service outside",
            while_failing=(
                "The service outside pages somebody after 10 minutes, although all else may be "
                "well. Orders, parcels and stock are processed as usual."
            ),
        ),
        "runs_failed": Purpose(
            does="Noticing failed jobs", while_failing="A job that fails alerts nobody."
        ),
    }
)


def purpose_of(name: str) -> Purpose:
    """Return what a job, sensor or schedule is for; of an unknown one only its name is known."""
    return PURPOSES.get(name) or Purpose(does=f"The work of {name}", while_failing="")
