"""Presets over HTTP; templates are read like them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from tradingboost.kit.http import exact_router
from tradingboost.services.users.api.bodies import CurrentBody, PresetBody, PresetChangeBody
from tradingboost.services.users.api.door import Door, private
from tradingboost.shared.interfaces.users.presets import EditPreset, NewPreset

_Strategy = Annotated[Literal["hyperrsi", "grid"], Query()]


def router(door: Door) -> APIRouter:
    """All of them; every one is about whoever asks."""
    routes = exact_router(prefix="/presets")
    _making(routes, door)
    _named(routes, door)
    return routes


def _making(routes: APIRouter, door: Door) -> None:
    @routes.get("")
    async def listed(request: Request, strategy: _Strategy = "hyperrsi") -> Response:
        visit = await door.enter(request)
        return private({"items": await visit.mine.presets(visit.me, strategy)})

    @routes.get("/templates")
    async def templates(request: Request, strategy: _Strategy = "hyperrsi") -> Response:
        visit = await door.enter(request)
        found = await visit.mine.presets(visit.me, strategy)
        return private({"items": [one for one in found if one.is_template]})

    @routes.post("")
    async def create(body: PresetBody, request: Request) -> Response:
        visit = await door.enter(request)
        wish = NewPreset(
            name=body.name,
            description=body.description,
            strategy=body.strategy,
            settings=body.settings,
            copy_of=body.copy_of,
            changed_by=f"user:{visit.me}",
        )
        return private(await visit.mine.create_preset(visit.me, wish), 201)

    @routes.post("/from-current")
    async def from_current(body: CurrentBody, request: Request) -> Response:
        visit = await door.enter(request)
        wish = NewPreset(
            name=body.name,
            description=body.description,
            strategy=body.strategy,
            from_current=True,
            changed_by=f"user:{visit.me}",
        )
        return private(await visit.mine.create_preset(visit.me, wish), 201)


def _named(routes: APIRouter, door: Door) -> None:
    @routes.get("/{preset_id}")
    async def one(preset_id: str, request: Request) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.preset(visit.me, preset_id))

    @routes.put("/{preset_id}")
    async def edit(preset_id: str, body: PresetChangeBody, request: Request, dry_run: bool = False) -> Response:
        visit = await door.enter(request)
        wish = EditPreset(
            preset_id=preset_id,
            expected_version=body.expected_version,
            changed_by=f"user:{visit.me}",
            name=body.name,
            description=body.description,
            settings=body.settings,
            dry_run=dry_run,
        )
        return private(await visit.mine.edit_preset(visit.me, wish))

    @routes.post("/{preset_id}/default")
    async def default(preset_id: str, request: Request) -> Response:
        visit = await door.enter(request)
        version = (await visit.mine.preset(visit.me, preset_id)).version
        wish = EditPreset(preset_id=preset_id, expected_version=version, changed_by=f"user:{visit.me}", is_default=True)
        return private(await visit.mine.edit_preset(visit.me, wish))

    @routes.delete("/{preset_id}")
    async def delete(preset_id: str, request: Request, detach: bool = False) -> Response:
        visit = await door.enter(request)
        return private(await visit.mine.delete_preset(visit.me, preset_id, f"user:{visit.me}", detach))
