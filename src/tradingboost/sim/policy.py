"""How the simulated exchange behaves where venues differ or a client could notice (one frozen value, no globals)."""

from dataclasses import dataclass
from typing import Literal

TakerFill = Literal["at_once", "next_print"]
BookModel = Literal["ladder", "flat"]
LimitFill = Literal["trade_through", "touch", "optimistic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Settings of the core, first value of each choice is the default.

    Attributes:
        taker_fill: `at_once`: takers fill on arrival against the book. `next_print`: takers are accepted, queued and
            filled at the first price of the next Trade or Travel (stepped replay, parity).
        book: `ladder`: synthetic depth around last plus the resting simulated orders. `flat`: unlimited depth at last;
            a taker gets last moved against it by `slippage_ppm`, and simulated accounts never meet each other.
        limit_fill: when a resting limit fills; `trade_through` strictly beyond its price, `touch` at its price,
            `optimistic` within one tick of it.
        slippage_ppm: slippage of takers in a flat book, parts per million (5 bps = 500).
        participation_beyond_ppm: share of a sized print beyond a resting order's price that may fill it.
        participation_at_ppm: the same for a print exactly at the price.
        queue_factor_ppm: share of the synthetic level size queued ahead of a new resting order.
        ladder_levels: displayed synthetic levels a side; deeper takers continue on the same slope.
        ladder_spread_ticks: distance between best synthetic bid and ask.
        ladder_step_ticks: distance between two synthetic levels.
        ladder_notional: quote units that one synthetic level holds on average.
        mark: `last`: mark follows last. `ema`: mark follows the index, smoothed over 60 prints.
        funding: `clock`: settled by timers at each boundary. `command`: only SettleFunding settles.
        attached_arm: attached algos come alive when their parent is filled whole, or with its `first_fill` and grow.
        attached_on_partial_cancel: what happens to attached algos of a partly filled, canceled parent.
        attached_after_flat: whether an attached algo outlives its position.
        cancel_gone_code: `51400` for every gone order, or `split` (51401 canceled, 51402 filled).
        post_only_cross: 0 cancels a crossing post_only order with source 31, else the reject code.
        cl_ord_id_scope: a client id must be unique among `pending` orders, or among all `retained` ones.
        child_cl_ord_id: the client id of an order made by a trigger: `empty`, or that of the `algo`.
        liquidation_fill: a liquidated position is closed at its `bankruptcy` price, or by an order that takes from the
            book as any other (`walk_book`); what that costs beyond the margin is the insurance's.
        order_freeze: `net_of_reducing` freezes nothing for the reducing part, `gross` freezes every order whole.
        price_band_ppm: 0 is off, else the widest distance of a limit price from mark.
        rows_kept: terminal orders, terminal algos, fills, bills and closed positions kept per account and kind.
        candle_rows: closed candles kept per instrument and bar.
        push_us: delay between an event and its delivery.
    """

    taker_fill: TakerFill = "at_once"
    book: BookModel = "ladder"
    limit_fill: LimitFill = "trade_through"
    slippage_ppm: int = 500
    participation_beyond_ppm: int = 1_000_000
    participation_at_ppm: int = 500_000
    queue_factor_ppm: int = 1_000_000
    ladder_levels: int = 400
    ladder_spread_ticks: int = 1
    ladder_step_ticks: int = 1
    ladder_notional: int = 100_000
    mark: Literal["last", "ema"] = "last"
    funding: Literal["clock", "command"] = "clock"
    reduce_only_oversize: Literal["reject", "trim"] = "reject"
    reduce_only_algo_flat: Literal["reject", "accept"] = "reject"
    attached_arm: Literal["full_fill", "first_fill"] = "full_fill"
    attached_on_partial_cancel: Literal["arm_filled", "drop"] = "arm_filled"
    attached_after_flat: Literal["stay", "cancel"] = "stay"
    cancel_gone_code: Literal["51400", "split"] = "51400"
    post_only_cross: int = 0
    cl_ord_id_scope: Literal["pending", "retained"] = "pending"
    child_cl_ord_id: Literal["empty", "algo"] = "empty"
    liquidation_fill: Literal["bankruptcy", "walk_book"] = "bankruptcy"
    order_freeze: Literal["net_of_reducing", "gross"] = "net_of_reducing"
    price_band_ppm: int = 0
    rows_kept: int = 10_000
    candle_rows: int = 3_000
    push_us: int = 0


STEPPED = Policy(taker_fill="next_print", book="flat", funding="command")
"""The policy of stepped replay and parity."""
