"""A second copy of a module, as it would be where something else is compiled."""

from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType


def reimport(module: ModuleType) -> ModuleType:
    """Run the file of `module` again, and leave `module` alone."""
    assert module.__file__ is not None
    spec = spec_from_file_location(module.__name__, module.__file__)
    assert spec is not None and spec.loader is not None
    copy = module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy
