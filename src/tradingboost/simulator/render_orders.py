"""Rows of orders, fills and algo orders, with every key strict clients decode."""

from typing import Any, Final

from tradingboost.sim.events import AlgoChanged, OrderChanged
from tradingboost.sim.instruments import Instrument
from tradingboost.sim.rows import Algo, Attached, Fill, Order
from tradingboost.sim.scale import render
from tradingboost.simulator.codes import message
from tradingboost.simulator.render_text import (
    average,
    family,
    ms,
    notional_usd,
    order_px,
    positive,
    px,
    ratio,
    sz,
    trigger_leg,
    yes,
)

Row = dict[str, Any]

CANCEL_REASONS: Final = {
    "0": "Canceled by the system.",
    "1": "Canceled by the user.",
    "3": "Canceled by risk control.",
    "6": "Canceled by ADL.",
    "13": "FOK order could not be filled completely.",
    "14": "The unfilled part of an IOC order.",
    "17": "The position was closed.",
    "20": "Cancel-all-after was triggered.",
    "21": "TP/SL of a closed position.",
    "31": "The post-only order would take liquidity.",
    "32": "Self-trade prevention.",
}


def order(instrument: Instrument, row: Order) -> Row:
    """ORDER as REST lists it."""
    body = _order_core(instrument, row)
    body["cancelSourceReason"] = CANCEL_REASONS.get(row.cancel_source, "") if row.cancel_source else ""
    return body


def order_push(instrument: Instrument, event: OrderChanged) -> Row:
    """ORDER as the orders channel pushes it: fill* fields describe this push's own fill only."""
    row, fill = event.order, event.fill
    body = _order_core(instrument, row)
    body["avgPx"] = body["avgPx"] or "0"
    body.update(_UNFILLED if fill is None else _filled(instrument, fill))
    body["amendResult"] = event.amend_result
    body["amendSource"] = event.amend_source
    body["reqId"] = event.req_id
    body["code"] = str(event.code)
    body["msg"] = message(str(event.code)) if event.code else ""
    reference = row.px or (fill.px if fill else event.last_px)
    body["notionalUsd"] = render(notional_usd(instrument, row.lots, reference))
    body["lastPx"] = px(instrument, event.last_px)
    return body


_UNFILLED: Final = {
    "fillPx": "",
    "fillSz": "0",
    "fillTime": "",
    "tradeId": "",
    "amendResult": "",
    "amendSource": "",
    "reqId": "",
    "code": "0",
    "msg": "",
    "execType": "",
    "fillFee": "0",
    "fillFeeCcy": "",
    "fillPnl": "0",
    "fillNotionalUsd": "",
    "fillMarkPx": "",
    "fillIdxPx": "",
    "fillPxVol": "",
    "fillPxUsd": "",
    "fillMarkVol": "",
    "fillFwdPx": "",
}
"""What a push adds to an order, in the order of the wire, as it is without a fill."""


def _filled(instrument: Instrument, fill: Fill) -> Row:
    return {
        **_UNFILLED,
        "fillPx": px(instrument, fill.px),
        "fillSz": sz(instrument, fill.lots),
        "fillTime": ms(fill.us),
        "tradeId": str(fill.trade_id),
        "execType": fill.exec_type,
        "fillFee": render(fill.fee),
        "fillFeeCcy": fill.fee_ccy,
        "fillPnl": render(fill.pnl),
        "fillNotionalUsd": render(notional_usd(instrument, fill.lots, fill.px)),
        "fillMarkPx": px(instrument, fill.mark_px),
        "fillIdxPx": px(instrument, fill.index_px),
    }


_NO_LEGS: Final = {
    "attachAlgoClOrdId": "",
    "tpTriggerPx": "",
    "tpTriggerPxType": "",
    "tpOrdPx": "",
    "slTriggerPx": "",
    "slTriggerPxType": "",
    "slOrdPx": "",
}
_NOT_FILLED: Final = {"avgPx": "", "fillPx": "", "fillSz": "0", "fillTime": "", "tradeId": "", "fee": "0", "pnl": "0"}


def _legs(instrument: Instrument, one: Attached) -> Row:
    """The older fields that show an order's only attachment."""
    tp = trigger_leg(instrument, one.tp_trigger_px, one.tp_ord_px, one.tp_px_type)
    sl = trigger_leg(instrument, one.sl_trigger_px, one.sl_ord_px, one.sl_px_type)
    return dict(zip(_NO_LEGS, (one.attach_algo_cl_ord_id, *tp, *sl), strict=True))


def _fill_part(instrument: Instrument, row: Order) -> Row:
    return {
        "avgPx": average(instrument, row.acc_cost, row.acc_lots),
        "fillPx": px(instrument, row.fill_px),
        "fillSz": sz(instrument, row.fill_lots),
        "fillTime": ms(row.fill_us),
        "tradeId": positive(row.trade_id),
        "fee": render(row.fee),
        "pnl": render(row.pnl),
    }


def _order_core(instrument: Instrument, row: Order) -> Row:
    terms = row.terms
    spot = instrument.kind == "SPOT"
    fee_ccy = row.fee_ccy or (instrument.base if spot and terms.side == "buy" else instrument.settle)
    filled = _fill_part(instrument, row) if row.acc_lots else _NOT_FILLED
    legs = _legs(instrument, row.attached[0]) if len(row.attached) == 1 else _NO_LEGS
    return {
        "instType": instrument.kind,
        "instId": instrument.inst_id,
        "ordId": str(terms.ord_id),
        "clOrdId": terms.cl_ord_id,
        "tag": terms.tag,
        "px": px(instrument, row.px),
        "pxUsd": "",
        "pxVol": "",
        "pxType": "",
        "sz": render(terms.quote_quanta) if terms.quote_quanta else sz(instrument, row.lots),
        "ordType": terms.ord_type,
        "side": terms.side,
        "posSide": "" if spot else (terms.pos_side or "net"),
        "tdMode": terms.td_mode,
        "tgtCcy": terms.tgt_ccy,
        "ccy": "",
        "lever": "0" if spot else str(terms.lever),
        "state": row.state,
        "accFillSz": sz(instrument, row.acc_lots),
        "avgPx": filled["avgPx"],
        "fillPx": filled["fillPx"],
        "fillSz": filled["fillSz"],
        "fillTime": filled["fillTime"],
        "tradeId": filled["tradeId"],
        "fee": filled["fee"],
        "feeCcy": fee_ccy,
        "rebate": "0",
        "rebateCcy": fee_ccy,
        "pnl": filled["pnl"],
        "source": terms.source,
        "category": terms.category,
        "reduceOnly": yes(terms.reduce_only),
        "stpId": "",
        "stpMode": terms.stp_mode,
        "quickMgnType": "",
        "isTpLimit": "false",
        "algoId": positive(terms.algo_id),
        "algoClOrdId": terms.algo_cl_ord_id,
        "attachAlgoClOrdId": legs["attachAlgoClOrdId"],
        "attachAlgoOrds": [_attached(instrument, one) for one in row.attached] if row.attached else [],
        "linkedAlgoOrd": {"algoId": positive(row.linked_algo_id)},
        "tpTriggerPx": legs["tpTriggerPx"],
        "tpTriggerPxType": legs["tpTriggerPxType"],
        "tpOrdPx": legs["tpOrdPx"],
        "slTriggerPx": legs["slTriggerPx"],
        "slTriggerPxType": legs["slTriggerPxType"],
        "slOrdPx": legs["slOrdPx"],
        "cancelSource": row.cancel_source,
        "tradeQuoteCcy": instrument.quote,
        "cTime": ms(terms.c_us),
        "uTime": ms(row.u_us),
    }


def _attached(instrument: Instrument, row: Attached) -> Row:
    tp = trigger_leg(instrument, row.tp_trigger_px, row.tp_ord_px, row.tp_px_type)
    sl = trigger_leg(instrument, row.sl_trigger_px, row.sl_ord_px, row.sl_px_type)
    return {
        "attachAlgoId": positive(row.attach_algo_id),
        "attachAlgoClOrdId": row.attach_algo_cl_ord_id,
        "tpOrdKind": "condition",
        "tpTriggerPx": tp[0],
        "tpTriggerPxType": tp[1],
        "tpTriggerRatio": "",
        "tpOrdPx": tp[2],
        "slTriggerPx": sl[0],
        "slTriggerPxType": sl[1],
        "slTriggerRatio": "",
        "slOrdPx": sl[2],
        "sz": sz(instrument, row.lots) if row.lots else "",
        "amendPxOnTriggerType": "0",
        "callbackRatio": ratio(row.callback_ratio),
        "callbackSpread": px(instrument, row.callback_spread),
        "activePx": px(instrument, row.active_px),
        "failCode": positive(row.fail_code),
        "failReason": message(str(row.fail_code)) if row.fail_code else "",
    }


def fill(instrument: Instrument, row: Fill) -> Row:
    """FILL of the fills lists."""
    return {
        "instType": instrument.kind,
        "instId": instrument.inst_id,
        "tradeId": str(row.trade_id),
        "ordId": str(row.ord_id),
        "clOrdId": row.cl_ord_id,
        "billId": str(row.bill_id),
        "subType": str(row.sub_type),
        "tag": row.tag,
        "fillPx": px(instrument, row.px),
        "fillSz": sz(instrument, row.lots),
        "fillIdxPx": px(instrument, row.index_px),
        "fillMarkPx": px(instrument, row.mark_px),
        "fillPnl": render(row.pnl),
        "fillPxVol": "",
        "fillPxUsd": "",
        "fillMarkVol": "",
        "fillFwdPx": "",
        "side": row.side,
        "posSide": "" if instrument.kind == "SPOT" else (row.pos_side or "net"),
        "execType": row.exec_type,
        "feeCcy": row.fee_ccy,
        "fee": render(row.fee),
        "feeRate": render(-row.fee_rate),
        "tradeQuoteCcy": instrument.quote,
        "ts": ms(row.us),
        "fillTime": ms(row.us),
    }


def fill_push(instrument: Instrument, row: Fill) -> Row:
    """The short row of the fills channel."""
    return {
        "instId": instrument.inst_id,
        "fillSz": sz(instrument, row.lots),
        "fillPx": px(instrument, row.px),
        "side": row.side,
        "ts": ms(row.us),
        "ordId": str(row.ord_id),
        "clOrdId": row.cl_ord_id,
        "tradeId": str(row.trade_id),
        "execType": row.exec_type,
        "count": "1",
    }


def algo_push(instrument: Instrument, event: AlgoChanged) -> Row:
    return algo(instrument, event.algo, event.last_px)


def algo(instrument: Instrument, row: Algo, last_px: int) -> Row:
    """ALGO, the same on REST and on the orders-algo channel."""
    terms = row.terms
    tp = trigger_leg(instrument, row.tp_trigger_px, row.tp_ord_px, row.tp_px_type)
    sl = trigger_leg(instrument, row.sl_trigger_px, row.sl_ord_px, row.sl_px_type)
    plain = trigger_leg(instrument, row.trigger_px, row.ord_px, row.px_type)
    order_id = positive(row.ord_id)
    return {
        "instType": instrument.kind,
        "instId": instrument.inst_id,
        "ccy": "",
        "algoId": str(terms.algo_id),
        "algoClOrdId": terms.algo_cl_ord_id,
        "clOrdId": terms.algo_cl_ord_id,
        "ordId": order_id,
        "ordIdList": [order_id] if order_id else [],
        "sz": "" if terms.close_fraction else sz(instrument, row.lots),
        "closeFraction": "1" if terms.close_fraction else "",
        "ordType": terms.ord_type,
        "side": terms.side,
        "posSide": "" if instrument.kind == "SPOT" else (terms.pos_side or "net"),
        "tdMode": terms.td_mode,
        "tgtCcy": "",
        "state": row.state,
        "lever": str(terms.lever) if terms.lever else "",
        "tpTriggerPx": tp[0],
        "tpTriggerPxType": tp[1],
        "tpOrdPx": tp[2],
        "tpOrdKind": "condition" if tp[0] else "",
        "slTriggerPx": sl[0],
        "slTriggerPxType": sl[1],
        "slOrdPx": sl[2],
        "triggerPx": plain[0],
        "triggerPxType": plain[1],
        "ordPx": plain[2],
        "advanceOrdType": terms.advance_ord_type,
        "callbackRatio": ratio(row.callback_ratio),
        "callbackSpread": px(instrument, row.callback_spread),
        "activePx": px(instrument, row.active_px),
        "moveTriggerPx": px(instrument, row.move_trigger_px),
        "actualSz": sz(instrument, row.actual_lots) if row.actual_lots else "",
        "actualPx": order_px(instrument, row.actual_px),
        "actualSide": row.actual_side,
        "triggerTime": ms(row.trigger_us),
        "reduceOnly": yes(terms.reduce_only),
        "cxlOnClosePos": yes(terms.cxl_on_close_pos),
        "quickMgnType": "",
        "pxVar": "",
        "pxSpread": "",
        "pxLimit": "",
        "szLimit": "",
        "timeInterval": "",
        "last": px(instrument, last_px),
        "notionalUsd": render(notional_usd(instrument, row.lots, last_px)),
        "failCode": positive(row.fail_code),
        "tag": terms.tag,
        "uly": family(instrument),
        "amendPxOnTriggerType": "0",
        "attachAlgoOrds": [_attached(instrument, one) for one in row.attached],
        "linkedOrd": {"ordId": positive(terms.parent_ord_id)},
        "tradeQuoteCcy": instrument.quote,
        "cTime": ms(terms.c_us),
        "uTime": ms(row.u_us),
    }
