"""What keeps an installation in order: what a store holds, what may be cleared away, what is wrong and what to do.

``artifacts`` lists and verifies a store, ``collect`` clears it, ``url_store`` and ``collect_url`` do so where it is
behind a URL, ``doctor`` looks at everything that a run needs.
"""
