"""Load plug-in files: one file, one exported name, one kind."""

from collections.abc import Collection
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Protocol, TypeVar

from bookai.errors import PluginError


class Named(Protocol):
    """What every plug-in has."""

    @property
    def name(self) -> str:
        """The file's name without its ending."""


T = TypeVar("T", bound=Named)


def load_plugins(
    folder: ModuleType, export: str, kind: type[T], *, besides: Collection[str] = ("base",)
) -> dict[str, T]:
    """Import every file of `folder` and return what each exports, by name.

    Sub-folders, the files `besides` and those that start with an underscore are no plug-ins.

    Raises:
        PluginError: a file exports nothing, the wrong kind, or another name than its own.
    """
    found: dict[str, T] = {}
    for info in sorted(iter_modules(folder.__path__), key=lambda info: info.name):
        if info.ispkg or info.name in besides or info.name.startswith("_"):
            continue
        where = f"{folder.__name__}.{info.name}"
        plugin = getattr(import_module(where), export, None)
        if not isinstance(plugin, kind):
            raise PluginError(f"{where} must export {export} = a {kind.__name__}, found {plugin!r}")
        if plugin.name != info.name:
            raise PluginError(
                f"{where} exports a plug-in called {plugin.name!r}: call it {info.name!r}"
            )
        found[plugin.name] = plugin
    return found
