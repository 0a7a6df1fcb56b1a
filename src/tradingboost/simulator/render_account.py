"""Rows of balances, positions, settings and bills."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from tradingboost.sim.instruments import Instrument
from tradingboost.sim.margin import isolated_liquidation, liquidation_rate
from tradingboost.sim.rows import Bill, CurrencyFigures, Position, PositionFigures
from tradingboost.sim.scale import QUANTA, quotient, render
from tradingboost.simulator.auth import ApiKey
from tradingboost.simulator.render_market import usd_value
from tradingboost.simulator.render_text import average, family, ms, notional_usd, positive, px, ratio, sz

Row = dict[str, Any]
CoinPrice = Callable[[str], int]
"""Dollar price of a coin in quanta."""

_EMPTY_DETAIL: Final = [
    "accAvgPx",
    "autoLendAmt",
    "autoLendMtAmt",
    "autoLendStatus",
    "autoStakingStatus",
    "borrowFroz",
    "clSpotInUseAmt",
    "colBorrAutoConversion",
    "colRes",
    "crossLiab",
    "fixedBal",
    "frpType",
    "interest",
    "isoLiab",
    "liab",
    "maxLoan",
    "maxSpotInUseAmt",
    "openAvgPx",
    "rewardBal",
    "smtSyncEq",
    "spotBal",
    "spotCopyTradingEq",
    "spotInUseAmt",
    "spotIsoBal",
    "spotUpl",
    "spotUplRatio",
    "stgyEq",
    "totalPnl",
    "totalPnlRatio",
    "twap",
    "uplLiab",
]
_EMPTY_POSITION: Final = [
    "usdPx",
    "optVal",
    "liab",
    "liabCcy",
    "pendingCloseOrdLiabVal",
    "hedgedPos",
    "baseBal",
    "quoteBal",
    "baseBorrowed",
    "baseInterest",
    "quoteBorrowed",
    "quoteInterest",
    "spotInUseAmt",
    "clSpotInUseAmt",
    "maxSpotInUseAmt",
    "spotInUseCcy",
    "bizRefId",
    "bizRefType",
    "deltaBS",
    "deltaPA",
    "gammaBS",
    "gammaPA",
    "thetaBS",
    "thetaPA",
    "vegaBS",
    "vegaPA",
    "interest",
]


class AccountView(NamedTuple):
    """How balances are shown: dollar prices, whether cash counts isolated margin, and when."""

    coin: CoinPrice
    cash_includes_isolated: bool
    now_us: int


def account(rows: Sequence[CurrencyFigures], view: AccountView) -> Row:
    """ACCOUNT with a DETAIL a currency."""
    now_us = view.now_us
    details = [_detail(row, view) for row in rows]

    def usd(value: Callable[[CurrencyFigures], int]) -> int:
        return sum(usd_value(row.ccy, value(row), view.coin(row.ccy)) for row in rows)

    notional = usd(lambda row: row.notional + row.iso_notional)
    return {
        "adjEq": "",
        "availEq": "",
        "borrowFroz": "",
        "delta": "",
        "deltaLever": "",
        "deltaNeutralStatus": "",
        "details": details,
        "imr": "",
        "isoEq": render(usd(lambda row: row.iso_eq)),
        "mgnRatio": "",
        "mmr": "",
        "notionalUsd": render(notional),
        "notionalUsdForBorrow": "",
        "notionalUsdForFutures": "",
        "notionalUsdForOption": "",
        "notionalUsdForSwap": render(notional),
        "ordFroz": "",
        "totalEq": render(usd(lambda row: row.eq)),
        "uTime": ms(now_us),
        "upl": render(usd(lambda row: row.upl)),
    }


def _detail(row: CurrencyFigures, view: AccountView) -> Row:
    coin_px, pledged = view.coin(row.ccy), row.iso_eq - row.iso_upl
    body: Row = dict.fromkeys(_EMPTY_DETAIL, "")
    body.update(
        autoLendStatus="unsupported",
        autoStakingStatus="unsupported",
        colBorrAutoConversion="0",
        colRes="0",
        frpType="0",
        fixedBal="0",
        rewardBal="0",
        stgyEq="0",
        spotIsoBal="0",
        twap="0",
        availBal=render(row.avail_eq),
        availEq=render(row.avail_eq),
        cashBal=render(row.cash + pledged if view.cash_includes_isolated else row.cash),
        ccy=row.ccy,
        coinUsdPrice=render(coin_px),
        collateralEnabled=False,
        collateralRestrict=False,
        disEq=render(usd_value(row.ccy, row.eq, coin_px)),
        eq=render(row.eq),
        eqUsd=render(usd_value(row.ccy, row.eq, coin_px)),
        frozenBal=render(row.frozen),
        imr=render(row.imr),
        isoEq=render(row.iso_eq),
        isoUpl=render(row.iso_upl),
        mgnRatio=ratio(row.mgn_ratio),
        mmr=render(row.mmr),
        notionalLever=quotient(row.notional, row.eq) if row.eq > 0 else "0",
        ordFrozen=render(row.ord_frozen),
        uTime=ms(view.now_us),
        upl=render(row.upl + row.iso_upl),
    )
    return body


def position(instrument: Instrument, row: Position, figures: PositionFigures, now_us: int) -> Row:
    """POSITION; `pos` is signed in net mode and positive in long/short mode."""
    hedge = row.pos_side in ("long", "short")
    lots = abs(row.lots) if hedge else row.lots
    isolated = row.mgn_mode == "isolated"
    body: Row = dict.fromkeys(_EMPTY_POSITION, "")
    body.update(
        instType=instrument.kind,
        instId=instrument.inst_id,
        mgnMode=row.mgn_mode,
        posId=str(row.pos_id),
        posSide=row.pos_side or "net",
        pos=sz(instrument, lots),
        availPos=sz(instrument, figures.avail_lots),
        avgPx=average(instrument, row.cost, row.lots),
        nonSettleAvgPx="",
        markPx=px(instrument, figures.mark_px),
        idxPx=px(instrument, figures.index_px),
        last=px(instrument, figures.last_px),
        bePx=_break_even(instrument, row),
        upl=render(figures.upl),
        uplRatio=_upl_ratio(figures.upl, figures.imr),
        uplLastPx=render(figures.upl_last),
        uplRatioLastPx=_upl_ratio(figures.upl_last, figures.imr),
        lever=str(row.lever),
        liqPx=_liquidation(instrument, row) if isolated else px(instrument, figures.liq_px),
        margin=render(row.margin) if isolated else "",
        imr="" if isolated else render(figures.imr),
        mmr=render(figures.mmr),
        mgnRatio=ratio(figures.mgn_ratio),
        notionalUsd=render(notional_usd(instrument, row.lots, figures.mark_px)),
        adl="1",
        ccy=instrument.settle,
        posCcy="",
        tradeId=positive(row.trade_id),
        realizedPnl=render(row.pnl + row.fee + row.funding + row.liq_penalty),
        settledPnl="",
        pnl=render(row.pnl),
        fee=render(row.fee),
        fundingFee=render(row.funding),
        liqPenalty=render(row.liq_penalty),
        closeOrderAlgo=[],
        cTime=ms(row.c_us),
        uTime=ms(row.u_us),
        pTime=ms(now_us),
    )
    return body


def _liquidation(instrument: Instrument, row: Position) -> str:
    """Of an isolated position: between two ticks, as the venue tells it."""
    top, bottom = isolated_liquidation(instrument, row, liquidation_rate(instrument, row.lots))
    return quotient(top, bottom) if top and row.lots else ""


def _upl_ratio(upl: int, imr: int) -> str:
    return quotient(upl, imr) if imr else "0"


def _break_even(instrument: Instrument, row: Position) -> str:
    """Average price moved by the fees of opening and closing (linear; elsewhere the average itself)."""
    if instrument.ct_type != "linear" or not row.lots:
        return average(instrument, row.cost, row.lots)
    rate = instrument.taker_rate
    direction = 1 if row.lots > 0 else -1
    top = row.cost * instrument.tick_q * (QUANTA + direction * rate)
    return quotient(top, abs(row.lots) * (QUANTA - direction * rate) * QUANTA)


def empty_position(row: Row) -> Row:
    """The row of size 0 a venue may list beside an open one: the other side, or in net mode the margin's other mode."""
    other = {"long": "short", "short": "long"}.get(row["posSide"], "")
    numbers = dict.fromkeys(
        ("avgPx", "upl", "uplRatio", "liqPx", "imr", "mmr", "mgnRatio", "notionalUsd", "bePx", "tradeId"), ""
    )
    mode = row["mgnMode"] if other else ("isolated" if row["mgnMode"] == "cross" else "cross")
    posted = {"posId": str(int(row["posId"]) - 1), "posSide": other or row["posSide"], "mgnMode": mode}
    return {**row, **numbers, **posted, "pos": "0", "availPos": "0"}


def closed_position(instrument: Instrument, row: Position) -> Row:
    """CLOSED of positions-history."""
    direction = "long" if row.pos_side == "long" or (row.pos_side != "short" and row.opened_lots > 0) else "short"
    realized = row.pnl + row.fee + row.funding + row.liq_penalty
    spent = row.opened_cost * instrument.tick_value if instrument.ct_type != "inverse" else row.opened_cost
    return {
        "posId": str(row.pos_id),
        "instType": instrument.kind,
        "instId": instrument.inst_id,
        "uly": family(instrument),
        "ccy": instrument.settle,
        "mgnMode": row.mgn_mode,
        "posSide": row.pos_side or "net",
        "direction": direction,
        "lever": str(row.lever),
        "type": row.close_type or "2",
        "openAvgPx": average(instrument, row.opened_cost, row.opened_lots),
        "closeAvgPx": average(instrument, row.close_cost, row.closed_lots),
        "nonSettleAvgPx": "",
        "openMaxPos": sz(instrument, row.open_max),
        "closeTotalPos": sz(instrument, abs(row.closed_lots)),
        "realizedPnl": render(realized),
        "settledPnl": "",
        "pnl": render(row.pnl),
        "pnlRatio": quotient(realized * max(row.lever, 1), abs(spent)) if spent else "0",
        "fee": render(row.fee),
        "fundingFee": render(row.funding),
        "liqPenalty": render(row.liq_penalty),
        "triggerPx": "",
        "cTime": ms(row.c_us),
        "uTime": ms(row.u_us),
    }


def config(key: ApiKey, label: str, acct_lv: int, pos_mode: str) -> Row:
    """CONFIG of the account behind a key."""
    return {
        "uid": key.uid,
        "mainUid": key.uid,
        "acctLv": str(acct_lv),
        "posMode": pos_mode,
        "acctStpMode": "cancel_maker",
        "autoLoan": False,
        "ctIsoMode": "automatic",
        "mgnIsoMode": "automatic",
        "enableSpotBorrow": False,
        "spotBorrowAutoRepay": False,
        "greeksType": "PA",
        "feeType": "0",
        "ip": ",".join(key.ips),
        "ipList": ",".join(key.ips),
        "kycLv": "3",
        "label": label,
        "level": "Lv1",
        "levelTmp": "",
        "liquidationGear": "-1",
        "opAuth": "0",
        "perm": ",".join(key.perm),
        "roleType": "0",
        "type": "0",
        "spotOffsetType": "",
        "spotRoleType": "0",
        "spotTraderInsts": [],
        "traderInsts": [],
        "settleCcy": "",
        "settleCcyList": [],
        "stgyType": "0",
    }


def bill(instrument: Instrument | None, row: Bill) -> Row:
    """BILL."""
    sized = instrument is not None and row.lots
    return {
        "billId": str(row.bill_id),
        "type": str(row.type),
        "subType": str(row.sub_type),
        "ccy": row.ccy,
        "balChg": render(row.change),
        "bal": render(row.balance),
        "posBalChg": render(row.pos_change),
        "posBal": render(row.pos_balance),
        "sz": sz(instrument, row.lots) if instrument and sized else "0",
        "px": px(instrument, row.px) if instrument else "",
        "pnl": render(row.pnl),
        "fee": render(row.fee),
        "interest": "0",
        "instType": instrument.kind if instrument else "",
        "instId": row.inst_id,
        "mgnMode": row.mgn_mode,
        "ordId": positive(row.ord_id),
        "clOrdId": row.cl_ord_id,
        "tradeId": positive(row.trade_id),
        "execType": row.exec_type,
        "tag": row.tag,
        "from": "",
        "to": "",
        "notes": "",
        "fillTime": ms(row.us) if row.trade_id else "",
        "fillIdxPx": "",
        "fillMarkPx": "",
        "fillPxVol": "",
        "fillPxUsd": "",
        "fillMarkVol": "",
        "fillFwdPx": "",
        "earnAmt": "",
        "earnApr": "",
        "ts": ms(row.us),
    }


def currency(ccy: str) -> Row:
    """One row of asset/currencies."""
    return {
        "ccy": ccy,
        "name": ccy,
        "chain": f"{ccy}-Simulated",
        "ctAddr": "",
        "logoLink": "",
        "canDep": False,
        "canWd": False,
        "canInternal": False,
        "depEstOpenTime": "",
        "wdEstOpenTime": "",
        "depQuotaFixed": "",
        "depQuoteDailyLayer2": "",
        "needTag": False,
        "mainNet": True,
        "minDep": "0",
        "minDepArrivalConfirm": "0",
        "minFee": "0",
        "maxFee": "0",
        "minFeeForCtAddr": "0",
        "maxFeeForCtAddr": "0",
        "fee": "0",
        "feeForCtAddr": "0",
        "minInternal": "0",
        "minWd": "0",
        "minWdUnlockConfirm": "0",
        "maxWd": "0",
        "burningFeeRate": "",
        "usedDepQuotaFixed": "",
        "usedWdQuota": "0",
        "wdAll": False,
        "wdQuota": "0",
        "wdTickSz": "8",
    }
