"""Signing in with an email and a password."""

import time

from pydantic import BaseModel, Field
from quart import Blueprint, Response, jsonify, request

from productflo.service import tokens
from productflo.service.accounts import MAX_EMAIL, Accounts
from productflo.service.passwords import MAX_PASSWORD
from productflo.web.address import Proxies
from productflo.web.cookie import set_token
from productflo.web.guard import Guard
from productflo.web.json_body import read_body


class Credentials(BaseModel):
    """`POST /auth/login`."""

    email: str = Field(max_length=MAX_EMAIL, description="In any case.")
    password: str = Field(max_length=MAX_PASSWORD)


def login_blueprint(accounts: Accounts, guard: Guard, proxies: Proxies) -> Blueprint:
    """`/auth/login`."""
    blueprint = Blueprint("login", __name__)

    @blueprint.post("/auth/login")
    async def login() -> Response:
        secret = guard.signing_secret()
        asked = await read_body(request, Credentials)
        who = await accounts.sign_in(asked.email, asked.password, proxies.address(request))
        token = tokens.mint(secret, who.user_id, who.name, who.teams, tokens.DEFAULT_HOURS, time.time())
        response = jsonify({"token": token})
        response.headers["Cache-Control"] = "no-store"
        if "Origin" in request.headers:  # A page of ours: it needs no token that its scripts can read.
            set_token(response, token)
        return response

    return blueprint
