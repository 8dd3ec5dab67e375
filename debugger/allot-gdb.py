"""Loaded by gdb with a program that uses allot; see docs/guide/debugger.md."""

import os
import sys

import gdb

# Beside this file in the source tree; where it is installed, in share/allot/debugger.
here = os.path.dirname(os.path.realpath(__file__))
while not os.path.isdir(os.path.join(here, "allot_debug")):
    installed = os.path.join(here, "allot", "debugger")
    if os.path.isdir(os.path.join(installed, "allot_debug")):
        here = installed
        break
    if os.path.dirname(here) == here:
        raise ImportError("allot's printers are not installed beside " + __file__)
    here = os.path.dirname(here)
if here not in sys.path:
    sys.path.insert(0, here)

from allot_debug import gdb_printers  # noqa: E402

gdb_printers.register(gdb.current_objfile())
