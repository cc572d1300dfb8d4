"""libminka as C programs have it: installed, linked, run under checkers."""
