"""The venue's complete key lists: strict decoders fail on any missing one. Source: the venue's public documentation."""

INSTRUMENT = (
    "alias auctionEndTime baseCcy category contTdSwTime ctMult ctType ctVal ctValCcy expTime futureSettlement groupId "
    "instCategory instFamily instId instIdCode instType lever listTime lotSz maxIcebergSz maxLmtAmt maxLmtSz maxMktAmt "
    "maxMktSz maxPlatOILmt maxStopSz maxTriggerSz maxTwapSz minSz openType optType posLmtAmt posLmtPct preMktSwTime "
    "quoteCcy ruleType settleCcy state stk tickSz tradeQuoteCcyList upcChg uly"
)
TICKER = (
    "instType instId last lastSz askPx askSz bidPx bidSz open24h high24h low24h volCcy24h vol24h sodUtc0 sodUtc8 ts"
)
FUNDING = (
    "instType instId method formulaType fundingRate nextFundingRate fundingTime nextFundingTime prevFundingTime "
    "minFundingRate maxFundingRate interestRate impactValue premium settState settFundingRate ts"
)
TIER = "uly instFamily instId tier minSz maxSz mmr imr maxLever optMgnFactor quoteMaxLoan baseMaxLoan"
FEE = "level instType category maker taker makerU takerU makerUSDC takerUSDC delivery exercise feeGroup ruleType ts"
ORDER_BOTH = (
    "instType instId ordId clOrdId tag px pxUsd pxVol pxType sz ordType side posSide tdMode tgtCcy ccy lever state "
    "accFillSz avgPx fillPx fillSz fillTime tradeId fee feeCcy rebate rebateCcy pnl source category reduceOnly stpId "
    "stpMode quickMgnType isTpLimit algoId algoClOrdId attachAlgoClOrdId attachAlgoOrds linkedAlgoOrd tpTriggerPx "
    "tpTriggerPxType tpOrdPx slTriggerPx slTriggerPxType slOrdPx cancelSource tradeQuoteCcy cTime uTime"
)
ORDER = ORDER_BOTH + " cancelSourceReason"
ORDER_PUSH = ORDER_BOTH + (
    " amendResult amendSource reqId code msg execType fillFee fillFeeCcy fillPnl fillNotionalUsd fillMarkPx fillIdxPx "
    "fillPxVol fillPxUsd fillMarkVol fillFwdPx notionalUsd lastPx"
)
ATTACHED = (
    "attachAlgoId attachAlgoClOrdId tpOrdKind tpTriggerPx tpTriggerPxType tpTriggerRatio tpOrdPx slTriggerPx "
    "slTriggerPxType slTriggerRatio slOrdPx sz amendPxOnTriggerType callbackRatio callbackSpread activePx failCode "
    "failReason"
)
FILL = (
    "instType instId tradeId ordId clOrdId billId subType tag fillPx fillSz fillIdxPx fillMarkPx fillPnl fillPxVol "
    "fillPxUsd fillMarkVol fillFwdPx side posSide execType feeCcy fee feeRate tradeQuoteCcy ts fillTime"
)
ALGO = (
    "instType instId ccy algoId algoClOrdId clOrdId ordId ordIdList sz closeFraction ordType side posSide tdMode "
    "tgtCcy state lever tpTriggerPx tpTriggerPxType tpOrdPx tpOrdKind slTriggerPx slTriggerPxType slOrdPx triggerPx "
    "triggerPxType ordPx advanceOrdType callbackRatio callbackSpread activePx moveTriggerPx actualSz actualPx "
    "actualSide triggerTime reduceOnly cxlOnClosePos quickMgnType pxVar pxSpread pxLimit szLimit timeInterval last "
    "notionalUsd failCode tag uly amendPxOnTriggerType attachAlgoOrds linkedOrd tradeQuoteCcy cTime uTime"
)
POSITION = (
    "instType instId mgnMode posId posSide pos availPos avgPx nonSettleAvgPx markPx idxPx last usdPx bePx upl uplRatio "
    "uplLastPx uplRatioLastPx lever liqPx margin imr mmr mgnRatio notionalUsd adl ccy posCcy tradeId realizedPnl "
    "settledPnl pnl fee fundingFee liqPenalty interest liab liabCcy optVal pendingCloseOrdLiabVal hedgedPos baseBal "
    "quoteBal baseBorrowed baseInterest quoteBorrowed quoteInterest spotInUseAmt clSpotInUseAmt maxSpotInUseAmt "
    "spotInUseCcy bizRefId bizRefType deltaBS deltaPA gammaBS gammaPA thetaBS thetaPA vegaBS vegaPA closeOrderAlgo "
    "cTime uTime pTime"
)
CLOSED = (
    "posId instType instId uly ccy mgnMode posSide direction lever type openAvgPx closeAvgPx nonSettleAvgPx openMaxPos "
    "closeTotalPos realizedPnl settledPnl pnl pnlRatio fee fundingFee liqPenalty triggerPx cTime uTime"
)
ACCOUNT = (
    "adjEq availEq borrowFroz delta deltaLever deltaNeutralStatus details imr isoEq mgnRatio mmr notionalUsd "
    "notionalUsdForBorrow notionalUsdForFutures notionalUsdForOption notionalUsdForSwap ordFroz totalEq uTime upl"
)
DETAIL = (
    "accAvgPx autoLendAmt autoLendMtAmt autoLendStatus autoStakingStatus availBal availEq borrowFroz cashBal ccy "
    "clSpotInUseAmt coinUsdPrice colBorrAutoConversion colRes collateralEnabled collateralRestrict crossLiab disEq eq "
    "eqUsd fixedBal frozenBal frpType imr interest isoEq isoLiab isoUpl liab maxLoan maxSpotInUseAmt mgnRatio mmr "
    "notionalLever openAvgPx ordFrozen rewardBal smtSyncEq spotBal spotCopyTradingEq spotInUseAmt spotIsoBal spotUpl "
    "spotUplRatio stgyEq totalPnl totalPnlRatio twap uTime upl uplLiab"
)
CONFIG = (
    "uid mainUid acctLv posMode acctStpMode autoLoan ctIsoMode mgnIsoMode enableSpotBorrow spotBorrowAutoRepay "
    "greeksType feeType ip ipList kycLv label level levelTmp liquidationGear opAuth perm roleType type spotOffsetType "
    "spotRoleType spotTraderInsts traderInsts settleCcy settleCcyList stgyType"
)
BILL = (
    "billId type subType ccy balChg bal posBalChg posBal sz px pnl fee interest instType instId mgnMode ordId clOrdId "
    "tradeId execType tag from to notes fillTime fillIdxPx fillMarkPx fillPxVol fillPxUsd fillMarkVol fillFwdPx "
    "earnAmt earnApr ts"
)
