"""What language models cost, and setting their prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from markupsafe import Markup
from nicegui import ui

from backend.api.schemas.costs import PricesView, PriceView
from backend.console.adding import Again
from backend.console.forms import Act, button, choice, dialog, field, foot
from backend.console.frame import done
from backend.console.parts import NOTHING, note, show, table
from backend.console.visit import Visit
from backend.insights.costs import Cost, Costs
from knowledge.errors import InvalidInput

_CURRENCIES = ("EUR", "USD", "GBP", "CHF")


def cost_table(found: Costs) -> Markup:
    """Tokens and cost of each assistant with each model, and the sums."""
    heads = (
        ("Assistant", "fill"),
        ("Language model", ""),
        ("Answers", "num"),
        ("Tokens read", "num"),
        ("Tokens written", "num"),
        ("Cost", "num"),
    )
    rows: list[list[Markup | str]] = [_row(one) for one in found.period]
    if found.totals and len(rows) > 1:
        sums = " + ".join(money(sum_, currency) for currency, sum_ in found.totals.items())
        rows.append(
            [Markup("<b>All together</b>"), "", "", "", "", Markup("<b>{}</b>").format(sums)]
        )
    told = NOTHING
    if found.unpriced:
        names = ", ".join(found.unpriced)
        told = note("", "", f"No price is set for {names}. What it costs is in no sum.")
    return Markup('<div class="stack tight"><div class="card">{}</div>{}</div>').format(
        table(heads, rows, "Cost"), told
    )


def _row(one: Cost) -> list[Markup | str]:
    return [
        one.assistant,
        one.model,
        f"{one.tokens.answers:,}",
        f"{one.tokens.input:,}",
        f"{one.tokens.output:,}",
        "no price set" if one.cost is None else money(one.cost, one.currency),
    ]


def money(amount: float, currency: str) -> str:
    """An amount to the cent, or to its first digits where it is less than one."""
    if 0 < amount < 0.01:
        return f"{amount:.2g} {currency}" if amount >= 0.0001 else f"under 0.0001 {currency}"
    return f"{amount:,.2f} {currency}"


def prices(visit: Visit, again: Again) -> Act:
    """An act that opens the dialog of prices: one model is chosen, and its price set."""

    async def act() -> None:
        told = PricesView.model_validate(await visit.send("GET", "/insights/prices"))
        known = {one.model: one for one in told.items}
        models = _models(visit, known, told.unpriced)
        with ui.context.client.content, dialog("Prices of language models") as made:
            made.on("hide", made.delete)
            show(
                Markup('<p class="soft">{}</p>').format(
                    "What a million tokens cost, as your provider bills them. Earlier days are "
                    "counted at the price that is set now."
                )
            )
            model = choice("Language model", {one: one for one in models}, models[0])
            currency = choice("Currency", _currencies(known), "EUR")
            with ui.element("div").classes("two"):
                read = field("A million tokens read")
                written = field("A million tokens written")

            def fill() -> None:
                price = known.get(model.value)
                currency.value = price.currency if price else currency.value
                read.value = f"{price.input_price:g}" if price else ""
                written.value = f"{price.output_price:g}" if price else ""
                forget.set_visibility(price is not None)

            async def save() -> None:
                body = {
                    "currency": currency.value,
                    "input_price": _amount("A million tokens read", read.value),
                    "output_price": _amount("A million tokens written", written.value),
                }
                await visit.send("PUT", _path(model.value), body)
                made.close()
                done(f"The price of {model.value} is set.")
                await again()

            async def remove() -> None:
                await visit.send("DELETE", _path(model.value))
                made.close()
                await again()

            with foot(made):
                forget = button("Forget this price", remove, "ghost danger")
                button("Set price", save, "primary")
            model.on_value_change(fill)
            fill()
        made.open()

    return act


def _models(visit: Visit, known: Mapping[str, PriceView], unpriced: Sequence[str]) -> list[str]:
    """Those without a price first, then the one that is set up, then the rest."""
    model = visit.state.chat.language_model
    return list(dict.fromkeys([*unpriced, *([model.name] if model else []), *known]))


def _currencies(known: Mapping[str, PriceView]) -> dict[str, str]:
    names = dict.fromkeys([*_CURRENCIES, *(one.currency for one in known.values())])
    return {name: name for name in names}


def _amount(name: str, text: str) -> float:
    try:
        amount = float(text.strip().replace(",", "."))
    except ValueError as error:
        raise InvalidInput(f"{name} is not an amount: {text}.", "Write one like 0.25.") from error
    if not 0 <= amount <= 1_000_000:
        raise InvalidInput(f"{name} is out of range.", "Write an amount from 0 on.")
    return amount


def _path(model: str) -> str:
    return f"/insights/prices/{quote(model)}"
