"""Who gets in: one-time links, a session cookie, CSRF tokens, and what a request must look like."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from flask import Flask, Response, abort, redirect, request, session, url_for
from werkzeug.wrappers import Response as BaseResponse

# everything comes from this server; nothing inline, nothing framed, nothing sent elsewhere
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
OPEN_ENDPOINTS = {"enter", "static"}


@dataclass
class Doors:
    """One-time links, one per reviewer.

    Attributes:
        waiting: token of each link that nobody used yet, and the reviewer it stands for.
    """

    waiting: dict[str, str] = field(default_factory=dict)

    def link(self, reviewer: str) -> str:
        """Makes a token that lets a reviewer in once."""
        token = secrets.token_urlsafe(32)
        self.waiting[token] = reviewer
        return token

    def enter(self, token: str) -> str | None:
        """Returns the reviewer of a token and uses it up; None for an unknown or used one."""
        for known in list(self.waiting):
            if hmac.compare_digest(known.encode(), token.encode()):
                return self.waiting.pop(known)
        return None


def reviewer() -> str:
    """Returns the name of who is logged in."""
    return str(session["reviewer"])


def csrf_token() -> str:
    """Returns the token that every form of this session carries."""
    return str(session["csrf"])


def guard(app: Flask, doors: Doors, hosts: set[str], entered: Callable[[str], None]) -> None:
    """Puts the checks in front of every page of an application.

    Args:
        app: the application.
        doors: the one-time links.
        hosts: names with port under which the application may be addressed.
        entered: told the name of everybody who gets in.
    """
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32),
        SESSION_COOKIE_NAME="riderra_desk",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        MAX_CONTENT_LENGTH=8 * 2**20,
    )
    app.jinja_env.globals.update(csrf_token=csrf_token, reviewer=reviewer)

    @app.before_request
    def check() -> None:
        # a name that resolves to this machine (DNS rebinding) is not this machine
        if request.host not in hosts:
            abort(403, "This page is only served under the address that the desk printed.")
        if request.endpoint in OPEN_ENDPOINTS:
            return
        if "reviewer" not in session:
            abort(401, "Open the link that the desk printed.")
        if request.method not in {"GET", "HEAD"}:
            origin = request.headers.get("Origin")
            if origin is not None and origin not in {f"http://{host}" for host in hosts}:
                abort(403, "This form was sent from another site.")
            sent = request.form.get("csrf") or request.headers.get("X-CSRF-Token", "")
            if not hmac.compare_digest(sent.encode(), csrf_token().encode()):
                abort(403, "This form is not of this session: reload the page.")

    @app.after_request
    def harden(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        # not no-referrer: a browser then sends our own forms with the origin "null"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response

    @app.get("/enter")
    def enter() -> BaseResponse:
        name = doors.enter(request.args.get("token", ""))
        if name is None:
            abort(403, "This link was used already. Restart the desk for a new one.")
        session.clear()
        session["reviewer"] = name
        session["csrf"] = secrets.token_urlsafe(32)
        entered(name)
        return redirect(url_for("home"))
