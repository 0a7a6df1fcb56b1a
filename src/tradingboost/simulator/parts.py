"""The pieces of one running simulator, built once and handed to whoever needs several of them."""

from dataclasses import dataclass

from tradingboost.kit.clock import Clock
from tradingboost.simulator.clock import MarketClock
from tradingboost.simulator.doors import Doors
from tradingboost.simulator.exchange import Exchange
from tradingboost.simulator.faults.desk import FaultDesk
from tradingboost.simulator.feeds import MarketDriver
from tradingboost.simulator.hub import Hub
from tradingboost.simulator.injection.injector import Injector
from tradingboost.simulator.injection.targets import Reach
from tradingboost.simulator.limiter import Limiter
from tradingboost.simulator.live import LiveFeed
from tradingboost.simulator.push import Publisher
from tradingboost.simulator.push_market import MarketPublisher
from tradingboost.simulator.requests import RequestLog
from tradingboost.simulator.rest import RestPort
from tradingboost.simulator.settings import SimulatorSettings
from tradingboost.simulator.stepping import Stepper
from tradingboost.simulator.ws import WsPort


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything behind the ports."""

    settings: SimulatorSettings
    exchange: Exchange
    driver: MarketDriver
    live: LiveFeed
    limiter: Limiter
    log: RequestLog
    hub: Hub
    publisher: Publisher
    market: MarketPublisher
    stepper: Stepper
    rest: RestPort
    ws: WsPort
    doors: Doors
    desk: FaultDesk
    faults: Injector


def build(settings: SimulatorSettings, wall: Clock) -> Parts:
    """Wire the pieces; opens no socket."""
    clock = MarketClock(
        wall, settings.clock, start_ms=settings.start_ms, speed=settings.speed, auth=settings.auth_clock
    )
    hub, limiter, log = Hub(), Limiter(settings.limit_scale), RequestLog(settings.requests_kept)
    market = MarketPublisher(hub)
    publisher = Publisher(hub, market.changed)
    exchange = Exchange(settings, clock, publisher.take)
    market.exchange = publisher.exchange = exchange
    driver = MarketDriver(exchange)
    pushers = (publisher, market)
    desk, doors = FaultDesk(settings, clock), Doors()
    publisher.desk = desk
    stepper = Stepper(exchange, driver, hub, pushers)
    reach = Reach(exchange, hub, limiter, publisher, stepper, driver, doors, desk)
    return Parts(
        settings=settings,
        exchange=exchange,
        driver=driver,
        live=LiveFeed(exchange, settings, wall),
        limiter=limiter,
        log=log,
        hub=hub,
        publisher=publisher,
        market=market,
        stepper=stepper,
        rest=RestPort(exchange, limiter, log, (hub, publisher), desk),
        ws=WsPort(exchange, limiter, log, hub, pushers, desk=desk),
        doors=doors,
        desk=desk,
        faults=Injector(reach),
    )


def open_market(parts: Parts) -> None:
    """Accounts and markets of the settings, as after a reset."""
    for account in parts.settings.accounts:
        parts.exchange.open_account(account)
    parts.driver.load(parts.settings)
