"""A change of the stock policy that somebody proposes, and what `config/policy.toml` would say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase

from centra_whistl_dagster.domain.stock.buffer import BufferPolicy
from centra_whistl_dagster.domain.stock.policy import SkuRule, StockPolicy


class PolicyChangeInvalid(ValueError):
    """A value that the policy file would not take, or that would have no effect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """What is to be different; None leaves a value as it is."""

    floors: tuple[tuple[str, int], ...] = ()
    """A SKU or a pattern, and the units always held back of each of its SKUs."""
    risk: float | None = None
    share_of_daily_sales: float | None = None
    only: str = ""
    """The SKUs whose risk and share change, as a pattern; blank: all."""

    def applied_to(self, policy: StockPolicy) -> StockPolicy:
        """Return the policy with the change.

        Raises:
            PolicyChangeInvalid: naming the value.
        """
        self._check(policy.buffer.cap_units)
        common = policy.buffer if self.only else self._changed(policy.buffer)
        rules = [_inheriting(rule, policy.buffer, common) for rule in policy.sku_rules]
        if self.only and self._own():
            rules.append(SkuRule(pattern=self.only, buffer=self._changed(common)))
        rules += [
            SkuRule(pattern=pattern, buffer=replace(common, floor_units=units))
            for pattern, units in self.floors
        ]
        return replace(policy, buffer=common, sku_rules=tuple(rules))

    def patterns(self) -> list[str]:
        """Return what it names SKUs by."""
        return [*([self.only] if self.only else []), *(pattern for pattern, _ in self.floors)]

    def as_toml(self) -> str:
        """Return the lines that make the change in `config/policy.toml`."""
        own = [f"{name} = {value}" for name, value in self._own().items()]
        rules = [(self.only, own)] if self.only and own else []
        rules += [(pattern, [f"floor_units = {units}"]) for pattern, units in self.floors]
        common = "\n".join(["[stock.buffer]", *own]) if own and not self.only else ""
        return "\n\n".join(
            [
                *([common] if common else []),
                *(
                    "\n".join(["[[stock.sku]]", f"pattern = {_quoted(pattern)}", *lines])
                    for pattern, lines in rules
                ),
            ]
        )

    def _changed(self, buffer: BufferPolicy) -> BufferPolicy:
        share = self.share_of_daily_sales
        return replace(
            buffer,
            risk=buffer.risk if self.risk is None else self.risk,
            share_of_daily_sales=buffer.share_of_daily_sales if share is None else share,
        )

    def _own(self) -> dict[str, float]:
        given = {"risk": self.risk, "share_of_daily_sales": self.share_of_daily_sales}
        return {name: value for name, value in given.items() if value is not None}

    def _check(self, cap_units: int) -> None:
        if self.risk is not None and not 0 < self.risk < 1:
            raise PolicyChangeInvalid(
                f"The risk must be above 0 and below 1, not {self.risk:g}; 0.01 is one in 100."
            )
        if self.share_of_daily_sales is not None and not self.share_of_daily_sales >= 0:
            raise PolicyChangeInvalid(
                f"The share must be 0 or more, not {self.share_of_daily_sales:g}; 0.1 is a tenth "
                "of a day's sales."
            )
        for pattern, units in self.floors:
            if not 0 <= units <= cap_units:
                raise PolicyChangeInvalid(
                    f"The floor of {pattern} must be 0 to {cap_units} units, not {units}: no "
                    "buffer is larger than cap_units in [stock.buffer]."
                )


def matching(pattern: str, skus: Sequence[str]) -> list[str]:
    """Return the SKUs that a pattern of the policy names."""
    return [sku for sku in skus if fnmatchcase(sku, pattern)]


def _inheriting(rule: SkuRule, before: BufferPolicy, after: BufferPolicy) -> SkuRule:
    """Return a rule whose values that were not its own follow the common ones, as in the file."""
    own = {
        field.name: getattr(rule.buffer, field.name)
        for field in fields(BufferPolicy)
        if getattr(rule.buffer, field.name) != getattr(before, field.name)
    }
    return replace(rule, buffer=replace(after, **own))


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
