"""Errors meant for the user, each with an exit code that scripts can rely on.

The message of a `UserError` is one sentence or two: what is wrong (file, line, record id or
setting) and what to do. It never holds personal data or a token.
"""

from __future__ import annotations

EXIT_OK = 0
EXIT_INTERNAL = 1
EXIT_SETTINGS = 2
EXIT_SOURCE = 3
EXIT_PAUSED = 4
EXIT_INCOMPLETE = 5
EXIT_INPUT = 6
EXIT_DATABASE = 7


class UserError(Exception):
    """A condition the user can mend; printed without a traceback.

    Attributes:
        exit_code: process exit code of the command that fails with it.
    """

    exit_code: int = EXIT_INTERNAL


class SettingsError(UserError):
    """A setting is missing, malformed or contradicts another one."""

    exit_code = EXIT_SETTINGS


class SourceError(UserError):
    """Planfix refused: wrong token, missing scope, unreachable or not Planfix at all."""

    exit_code = EXIT_SOURCE


class ExtractPaused(UserError):
    """The quota or the request budget is used up; the same command resumes later.

    Attributes:
        is_loaded: whether what was fetched so far is in the database already.
    """

    exit_code = EXIT_PAUSED
    is_loaded: bool = False


class IncompleteExtractError(UserError):
    """The extract ended but its completeness check found a difference."""

    exit_code = EXIT_INCOMPLETE


class InputFileError(UserError):
    """A file of the user (export, mapping, decisions) cannot be read as what it should be."""

    exit_code = EXIT_INPUT


class DatabaseError(UserError):
    """The database is unreachable, too old or lacks a right."""

    exit_code = EXIT_DATABASE
