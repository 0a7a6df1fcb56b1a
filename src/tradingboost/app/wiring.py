"""The call graph, written down once: who is asked comes before who asks, in one process or in many."""

from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tradingboost.app.places import AUDIT_FOLDER, data_dir
from tradingboost.app.secrets import Secrets
from tradingboost.app.settings import Settings
from tradingboost.app.topology import BRIDGE_OFFSET, PROCESSES, STRATEGIES
from tradingboost.core.errors import NotFound
from tradingboost.core.ids import Venue
from tradingboost.kit.audit.anchors import Anchoring
from tradingboost.kit.context import Context
from tradingboost.kit.loops import carried
from tradingboost.kit.outbox import Relay
from tradingboost.kit.ratelimit import SharedWindows
from tradingboost.kit.remote import Bridge
from tradingboost.kit.runtime import Module, Worker
from tradingboost.kit.service_token import ServiceAuth
from tradingboost.shared.interfaces.config import Config
from tradingboost.shared.interfaces.custody import Custody
from tradingboost.shared.interfaces.data_keys import DataKeys
from tradingboost.shared.interfaces.exchange import Exchange
from tradingboost.shared.interfaces.market import Market
from tradingboost.shared.interfaces.notifications import Notifications
from tradingboost.shared.interfaces.orders import Orders
from tradingboost.shared.interfaces.positions import Positions
from tradingboost.shared.interfaces.strategy import Strategy
from tradingboost.shared.interfaces.users import Users

if TYPE_CHECKING:
    from tradingboost.venues.catalogue import Venues

T = TypeVar("T")
Plugged = tuple[object, Module]
"""A service and what keeps it running."""


class Platform:
    """Every promise of the platform, kept here or in another process.

    Args:
        local: names of the processes whose services live in this one.
    """

    def __init__(self, context: Context, settings: Settings, secrets: Secrets, local: Collection[str]) -> None:
        self.context = context
        self.settings = settings
        self.secrets = secrets
        self.modules: list[Module] = []
        self.services: dict[str, Any] = {}
        self._local = frozenset(local)
        self.auth = ServiceAuth(f"tradingboost-{context.instance}", secrets.signing_key(), clock=context.clock)
        self._bridge = Bridge(self.auth)
        self._venues: Venues | None = None
        self._build()

    @property
    def users(self) -> Users:
        return cast(Users, self.services["users"])

    @property
    def config(self) -> Config:
        return cast(Config, self.services["config"])

    @property
    def market(self) -> Market:
        return cast(Market, self.services["market"])

    @property
    def exchange(self) -> Exchange:
        return cast(Exchange, self.services["exchange"])

    @property
    def custody(self) -> Custody:
        return cast(Custody, self.services["custody"])

    @property
    def positions(self) -> Positions:
        return cast(Positions, self.services["positions"])

    @property
    def orders(self) -> Orders:
        return cast(Orders, self.services["orders"])

    @property
    def notifications(self) -> Notifications:
        return cast(Notifications, self.services["notifications"])

    @property
    def strategies(self) -> Mapping[str, Strategy]:
        return {name: cast(Strategy, self.services[name]) for name in STRATEGIES}

    def strategy(self, name: str) -> Strategy:
        """The process that runs a strategy; an unknown name is told which there are."""
        if name not in STRATEGIES:
            raise NotFound("unknown_strategy", f"There is no strategy {name!r}; choose one of {', '.join(STRATEGIES)}.")
        return self.strategies[name]

    def _build(self) -> None:
        context = self.context
        if self._local:
            relay = Relay(context.db, context.redis, clock=context.clock)
            self.modules.append(Module("relay", workers=[carried("relay", relay.run, relay.stop)]))
            hearing = Worker("invalidations", context.caches.run)
            following = [Worker("master", context.redis.follow)] if context.redis.pools.sentinels else []
            self.modules.append(Module("redis", workers=[hearing, *following]))
        if self._local & {"market", "exchange"}:
            self._venues = self._dialled()
            self.modules.append(Module("venues", start=[self._venues.load]))
        self._plug("users", self._users)
        self._plug("config", self._config)
        self._plug("market", self._market)
        self._plug("exchange", self._exchange)
        self.services.setdefault("custody", self._bridge.connect(Custody, self.bridge_address("exchange")))
        self._plug("positions", self._positions)
        self._plug("orders", self._orders)
        for name in STRATEGIES:
            self._plug(name, partial(self._strategy, name))
        self._plug("notifications", self._notifications)

    def _plug(self, name: str, build: Callable[[], Plugged]) -> None:
        if name in self._local:
            self.services[name], module = build()
            self.modules.append(module)
        else:
            self.services[name] = self._remote(name)

    # A process imports the services it runs and no others: compilers and venues take longer to read than to start.

    def _dialled(self) -> "Venues":
        from tradingboost.venues.base import Endpoint
        from tradingboost.venues.catalogue import Venues
        from tradingboost.venues.governor import Governor

        context, settings = self.context, self.settings
        okx = Endpoint(rest=settings.market.okx_rest, ws=settings.market.okx_ws)
        drawing = SharedWindows(context.redis, "+".join([context.instance, *sorted(self._local)]), context.clock)
        governor = Governor(context.clock, drawing, settings.exchange.rate_scale)
        return Venues(context.clock, {Venue("okx"): okx}, governor)

    def _users(self) -> Plugged:
        from tradingboost.services.users import module

        anchoring = Anchoring(self.context.db, self.context.clock, data_dir(self.settings) / AUDIT_FOLDER)
        self.modules.append(Module("audit", workers=[Worker("anchors", anchoring.run)]))
        auth = module.auth(self.settings.auth, self.secrets.access_keys(), self.secrets.login_ring())
        return module.build(self.context, self._data_keys(), self.secrets.pepper(), self.settings.users, auth)

    def _config(self) -> Plugged:
        from tradingboost.services.config import module

        return module.build(self.context)

    def _market(self) -> Plugged:
        from tradingboost.services.market import module

        assert self._venues is not None
        return module.build(self.context, self._venues.publics(), self.settings.market)

    def _exchange(self) -> Plugged:
        """The exchange, and beside it the keeper of keys."""
        from tradingboost.services.exchange import module

        assert self._venues is not None
        ring, settings = self.secrets.key_ring(), self.settings.exchange
        service, custody, plug = module.build(self.context, self.users, ring, self._venues, settings)
        self.services["custody"] = custody
        return service, plug

    def _positions(self) -> Plugged:
        from tradingboost.services.positions import module

        return module.build(self.context, self.exchange, self.settings.positions)

    def _orders(self) -> Plugged:
        from tradingboost.services.orders import module

        ask, folder = (self.users, self.exchange, self.positions), data_dir(self.settings)
        return module.build(self.context, ask, self.secrets.id_keys(), self.settings.orders, folder)

    def _strategy(self, name: str) -> Plugged:
        from tradingboost.services.strategy import module

        return module.build(self.context, (self.users, self.market, self.orders), name, self.settings.strategy)

    def _notifications(self) -> Plugged:
        from tradingboost.services.notifications import module

        return module.build(self.context, self.settings.notifications)

    def _data_keys(self) -> DataKeys:
        """Of the process that opens credentials; asked by users, it asks nobody, so the graph stays acyclic."""
        if "exchange" in self._local:
            from tradingboost.services.exchange import module

            return module.data_keys(self.secrets.key_ring())
        return self._bridge.connect(DataKeys, self.bridge_address("exchange"))

    def beside(self, name: str) -> dict[Any, object]:
        """What else a process promises, beside its own interface."""
        return {DataKeys: self._data_keys(), Custody: self.custody} if name == "exchange" else {}

    def _remote(self, name: str) -> object:
        """A neighbour in another process: the same Protocol, called over the bridge."""
        process = PROCESSES[name]
        return self._bridge.connect(process.interface, self.bridge_address(name))

    def bridge_address(self, name: str) -> str:
        """host:port of a process's bridge."""
        return f"{self.settings.topology.host}:{self.bridge_port(name)}"

    def bridge_port(self, name: str) -> int:
        """Port of a process's bridge."""
        return PROCESSES[name].port + BRIDGE_OFFSET + self.settings.topology.port_offset

    async def close(self) -> None:
        """Let go of the connections to other processes."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._bridge.close)
            if self._venues is not None:
                stack.push_async_callback(self._venues.close)
