"""For ~/.lldbinit: command script import /usr/share/allot/debugger/allot_lldb.py"""

import os
import sys

here = os.path.dirname(os.path.realpath(__file__))
if here not in sys.path:
    sys.path.insert(0, here)


def __lldb_init_module(debugger, _):
    from allot_debug import lldb_formatters

    debugger.HandleCommand("script import allot_debug.lldb_formatters")
    lldb_formatters.register(debugger)
