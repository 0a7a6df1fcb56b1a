"""Settings over HTTP: documents with their versions, history, export and import."""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response

from tradingboost.core.errors import InvalidInput
from tradingboost.kit.http import exact_router
from tradingboost.services.users.api.bodies import ImportBody, ResetBody, SettingsBody
from tradingboost.services.users.api.door import Door, Visit, private
from tradingboost.shared.interfaces.users.settings import Apply, Saved, SaveSetting, Setting
from tradingboost.shared.user_settings.addresses import GLOBAL, SettingType, address
from tradingboost.shared.user_settings.differences import changes
from tradingboost.shared.user_settings.documents import in_english, keys_of
from tradingboost.shared.user_settings.transfer import imported, to_csv

_Strategy = Annotated[Literal["hyperrsi", "grid"], Query()]
_Scope = Annotated[str, Query(max_length=100)]
_Labels = Annotated[Literal["ko", "en"], Query()]
_Type = Annotated[Literal["preferences", "params", "dual_side"], Query(alias="type")]
_Version = Annotated[int, Query(ge=1)]
_PLACE: Final = "/settings/{user_id}"


def router(door: Door) -> APIRouter:
    """All of them."""
    routes = exact_router()
    _taking_along(routes, door)
    _history(routes, door)
    _documents(routes, door)
    return routes


def _documents(routes: APIRouter, door: Door) -> None:
    @routes.get(_PLACE)
    async def shown(
        user_id: str,
        request: Request,
        *,
        strategy: _Strategy = "hyperrsi",
        scope: _Scope = GLOBAL,
        labels: _Labels = "ko",
    ) -> Response:
        visit = await door.enter(request)
        found = await visit.mine.settings(await door.named(visit, user_id, "settings"), strategy, scope)
        return private(_documents_of(found, labels))

    @routes.put(_PLACE)
    async def save(
        user_id: str,
        body: SettingsBody,
        request: Request,
        *,
        strategy: _Strategy = "hyperrsi",
        scope: _Scope = GLOBAL,
        dry_run: bool = False,
    ) -> Response:
        visit = await door.enter(request)
        who = await door.named(visit, user_id, "save_settings")
        wishes = [
            _wish(visit, (kind, strategy, scope), given, (body, request), dry_run=dry_run)
            for kind, given in body.documents().items()
        ]
        return private(_saved(await visit.mine.save_settings(who, wishes)))

    @routes.post(_PLACE + "/reset")
    async def reset(user_id: str, body: ResetBody, request: Request) -> Response:
        visit = await door.enter(request)
        who = await door.named(visit, user_id, "save_setting")
        where = address(body.type, body.strategy, body.scope)
        wish = SaveSetting(
            where=where,
            changes=dict.fromkeys(keys_of(where.strategy, where.setting_type)),
            expected_version=body.expected_version,
            changed_by=f"user:{visit.me}",
            note="reset",
        )
        return private(_saved([await visit.mine.save_setting(who, wish)]))

    @routes.get(_PLACE + "/{kind}")
    async def one(
        user_id: str,
        kind: str,
        request: Request,
        *,
        strategy: _Strategy = "hyperrsi",
        scope: _Scope = GLOBAL,
        labels: _Labels = "ko",
    ) -> Response:
        visit = await door.enter(request)
        who = await door.named(visit, user_id, "setting")
        return private(_document(await visit.mine.setting(who, address(kind, strategy, scope)), labels))


def _history(routes: APIRouter, door: Door) -> None:
    @routes.get(_PLACE + "/versions")
    async def versions(
        user_id: str,
        request: Request,
        *,
        kind: _Type = "params",
        strategy: _Strategy = "hyperrsi",
        scope: _Scope = GLOBAL,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
    ) -> Response:
        visit = await door.enter(request)
        who = await door.named(visit, user_id, "setting_versions")
        return private({"items": await visit.mine.setting_versions(who, address(kind, strategy, scope), limit)})

    @routes.get(_PLACE + "/versions/{version}")
    async def version(
        user_id: str,
        version: int,
        request: Request,
        *,
        kind: _Type = "params",
        strategy: _Strategy = "hyperrsi",
        scope: _Scope = GLOBAL,
    ) -> Response:
        visit = await door.enter(request)
        who = await door.named(visit, user_id, "setting_version")
        found = await visit.mine.setting_version(who, address(kind, strategy, scope), version)
        return private(_document(found, "ko"))

    @routes.get(_PLACE + "/diff")
    async def diff(
        user_id: str,
        request: Request,
        *,
        a: _Version = 1,
        b: Annotated[int | None, Query(ge=1)] = None,
        kind: _Type = "params",
        strategy: _Strategy = "hyperrsi",
    ) -> Response:
        visit = await door.enter(request)
        who = await door.named(visit, user_id, "setting_version")
        where = address(kind, strategy)
        first = await visit.mine.setting_version(who, where, a)
        second = await (visit.mine.setting(who, where) if b is None else visit.mine.setting_version(who, where, b))
        return private({"changes": changes(first.settings, second.settings)})

    @routes.post(_PLACE + "/restore/{version}")
    async def restore(
        user_id: str,
        version: int,
        request: Request,
        *,
        kind: _Type = "params",
        strategy: _Strategy = "hyperrsi",
        scope: _Scope = GLOBAL,
    ) -> Response:
        visit = await door.enter(request)
        who = await door.named(visit, user_id, "restore_setting")
        where = address(kind, strategy, scope)
        return private(_saved([await visit.mine.restore_setting(who, where, version, f"user:{visit.me}")]))


def _taking_along(routes: APIRouter, door: Door) -> None:
    @routes.get(_PLACE + "/export")
    async def export(
        user_id: str,
        request: Request,
        *,
        strategy: _Strategy = "hyperrsi",
        form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
    ) -> Response:
        visit = await door.enter(request)
        document = await visit.mine.export_settings(await door.named(visit, user_id, "export_settings"), strategy)
        if form == "json":
            return private(document)
        headers = {"cache-control": "no-store", "content-disposition": "attachment; filename=settings.csv"}
        return Response(to_csv(imported(document)), media_type="text/csv; charset=utf-8", headers=headers)

    @routes.post(_PLACE + "/import")
    async def bring(user_id: str, body: ImportBody, request: Request, dry_run: bool = False) -> Response:
        visit = await door.enter(request)
        who = await door.named(visit, user_id, "import_settings")
        found = await visit.mine.import_settings(who, body.document, f"user:{visit.me}", dry_run)
        return private({**_saved(found.settings), "presets": found.presets})


def _wish(
    visit: Visit,
    where: tuple[str, str, str],
    given: dict[str, Any],
    asked: tuple[SettingsBody, Request],
    *,
    dry_run: bool,
) -> SaveSetting:
    body, request = asked
    return SaveSetting(
        where=address(*where),
        changes=given,
        expected_version=_expected(body, where[0], request),
        changed_by=f"user:{visit.me}",
        note=body.note,
        dry_run=dry_run,
        apply=Apply(body.apply),
    )


def _expected(body: SettingsBody, kind: str, request: Request) -> int:
    """The version a change was made from: of that document, or of the only one; `If-Match` says the same."""
    said = request.headers.get("if-match", "").strip('"')
    found: Any = body.expected_version if body.expected_version is not None else said or None
    if isinstance(found, dict):
        found = found.get(kind)
    elif len(body.documents()) > 1:
        found = None
    if found is None or not str(found).isdigit():
        text = f"Say which version of {kind} the change was made from: expected_version, 0 = nothing saved yet."
        raise InvalidInput("expected_version_missing", text)
    return int(str(found))


def _documents_of(found: Sequence[Setting], labels: str) -> dict[str, Any]:
    said: dict[str, Any] = {one.where.setting_type.value: _said(one, labels) for one in found}
    return {**said, "versions": {one.where.setting_type.value: one.version for one in found}}


def _document(found: Setting, labels: str) -> dict[str, Any]:
    return {"type": found.where.setting_type.value, "settings": _said(found, labels), "version": found.version}


def _said(found: Setting, labels: str) -> dict[str, Any]:
    plain = found.where.setting_type is not SettingType.PREFERENCES and labels == "en"
    return in_english(found.where.strategy, found.settings) if plain else found.settings


def _saved(found: Sequence[Saved]) -> dict[str, Any]:
    rows = {
        one.where.setting_type.value
        if one.where.scope == GLOBAL
        else f"{one.where.setting_type.value} {one.where.scope}": {
            "version": one.version,
            "saved": one.saved,
            "sealed": one.sealed,
            "changes": one.changes,
            "waiting": one.waiting,
            "warnings": one.warnings,
        }
        for one in found
    }
    return {"documents": rows}
