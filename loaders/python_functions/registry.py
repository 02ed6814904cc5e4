"""The functions of `functions/`: their files, arguments, versions."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from loaders import settings
from loaders.errors import SettingsError


@dataclass(frozen=True)
class PythonFunction:
    """One function of `functions/_functions.yml`.

    Attributes:
        name: name of the file, the Python function and the database function.
        arguments: argument names in order.
        argument_types: their PostgreSQL types.
        returns: PostgreSQL type of the answer.
        packages: pinned packages, `name==version`.
    """

    name: str
    arguments: tuple[str, ...]
    argument_types: tuple[str, ...]
    returns: str
    packages: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file."""
        return settings.PROJECT_ROOT / "functions" / f"{self.name}.py"

    @property
    def version(self) -> str:
        """Hash of file and packages, as macros/functions/python_function_version.sql has it."""
        text = self.path.read_text(encoding="utf-8").strip() + "|" + ",".join(self.packages)
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    def check_packages(self) -> None:
        """Refuses to compute with other library versions than the database would.

        Raises:
            SettingsError: a package is missing or of another version.
        """
        for pinned in self.packages:
            name, _, wanted = pinned.partition("==")
            try:
                found = metadata.version(name)
            except metadata.PackageNotFoundError:
                found = "missing"
            if found != wanted:
                raise SettingsError(
                    f"{name} is {found}, functions/_functions.yml wants {wanted}: install "
                    "requirements.lock into this virtual environment."
                )


@cache
def python_functions() -> dict[str, PythonFunction]:
    """Returns all functions by name."""
    path = settings.PROJECT_ROOT / "functions" / "_functions.yml"
    described = yaml.safe_load(path.read_text(encoding="utf-8"))["functions"]
    return {
        each["name"]: PythonFunction(
            name=each["name"],
            arguments=tuple(argument["name"] for argument in each["arguments"]),
            argument_types=tuple(argument["data_type"] for argument in each["arguments"]),
            returns=each["returns"]["data_type"],
            packages=tuple(each["config"]["packages"]),
        )
        for each in described
    }


@cache
def load(name: str) -> Callable[..., Any]:
    """Imports the Python function `name` from its file."""
    path = settings.PROJECT_ROOT / "functions" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"functions.{name}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"functions/{name}.py cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., Any] = getattr(module, name)
    return function
