"""Inspect: a table, or a config that names one -> what is wrong with it, in a terminal, as a page, as JSON.

The table is read and its texts are checked by the stages of a run. With a config that happens in the config's store,
so that a later run finds both done; with a table in a private temporary one, of which nothing is left behind.

``building``   which table, read how -> the artifacts ``table/`` and ``checks/``
``figures``    these -> every figure as one JSON value (format version 1)
``advice``     figures -> sentences that say what to do, the most urgent first
``glance``     figures -> the terminal
"""

from __future__ import annotations

from evenly.inspection.building import inspect_source
from evenly.inspection.glance import print_glance, print_warnings
from evenly.inspection.output import render_figures, write_output

__all__ = ["inspect_source", "print_glance", "print_warnings", "render_figures", "write_output"]
