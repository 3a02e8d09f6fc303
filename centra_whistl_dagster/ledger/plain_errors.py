"""Database errors without the data they are about, for every engine of a process.

SQLAlchemy quotes a statement's parameters in the text of an error, and PostgreSQL quotes values and
whole rows. Both end up wherever an error is written: Dagster's event log, a process's log, a trace.
Importing this module sets it for engines that others create too, such as those of Dagster's own
storage, which offer no setting for it.
"""

from __future__ import annotations

import sqlalchemy as sa

_QUOTES_VALUES = (sa.exc.IntegrityError, sa.exc.DataError)


@sa.event.listens_for(sa.Engine, "handle_error")
def hide_values(context: sa.engine.ExceptionContext) -> None:
    """Leave an error its kind, its statement and the names in it."""
    error = context.sqlalchemy_exception
    if error is None:
        return
    error.hide_parameters = True
    code = getattr(error.orig, "pgcode", None)
    if code is None or not isinstance(error, _QUOTES_VALUES):
        return
    # "Failing row contains (…)", "invalid input syntax for type integer: …".
    diagnostics = getattr(error.orig, "diag", None)
    names = [
        f"{name} {value}"
        for name in ("table", "column", "constraint")
        if (value := getattr(diagnostics, f"{name}_name", None))
    ]
    words = f"PostgreSQL refused a value (SQLSTATE {', '.join([code, *names])})"
    error.args = (words,)
    if error.orig is not None:
        error.orig.args = (words,)
