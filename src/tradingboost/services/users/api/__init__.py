"""`/api/users`: who somebody is, logging in, and what admins do; public, so nothing in a request is trusted."""

from fastapi import APIRouter

from tradingboost.services.users.api import administration, logins, people, presets, settings
from tradingboost.services.users.api.door import Door
from tradingboost.shared.interfaces.users import Users


def router(users: Users) -> APIRouter:
    """The routes of this service."""
    door = Door(users)
    whole = APIRouter(prefix="/api/users", tags=["users"])
    for part in (
        logins,
        administration,
        settings,
        presets,
        people,
    ):  # what is named by a fixed word comes before /{user_id}
        whole.include_router(part.router(door))
    return whole
