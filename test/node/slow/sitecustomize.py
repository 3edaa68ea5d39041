"""Makes each step of training take its time, as on a slower machine, and none of the processor's.

Python imports it by its name before all else, where its folder is in PYTHONPATH.
"""

import sys
import time
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder

SECONDS = 0.25


class Slow(MetaPathFinder, Loader):
    """Finds the module of what is done between the steps, and adds to the end of a step."""

    def find_spec(self, name, path, target=None):
        if name != "kriptik_trainer.session":
            return None
        spec = PathFinder.find_spec(name, path, target)
        self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        self._loader.exec_module(module)
        ended = module.Session.step_ended

        def step_ended(session, *args):
            time.sleep(SECONDS)
            return ended(session, *args)

        module.Session.step_ended = step_ended


sys.meta_path.insert(0, Slow())
