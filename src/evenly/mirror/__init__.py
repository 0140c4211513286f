"""A store behind a URL: what is built is kept in an object store, and worked on in a folder of this machine.

::

    URL/<stage>/<key>/<files>        an artifact; its manifest.json is written last, so where it is, all is
    URL/runs/<run>.json              which artifacts a run uses (`evenly.runs`)
    URL/.work/<build>/<blake3>       what a build hands to workers of a cluster and takes from them

Stages map files into memory, give them second names and rename them; no object store does that. So they work in a
local store (`evenly.store`), and a `Mirror` behind it brings what others have built and takes what is built here. The
layout is that of a local store: either can be synced to the other. Importing this package loads nothing: a store that
is a folder needs none of it.
"""
