"""Keeps the screen clean: imported before Rasa, for what its own old libraries complain about.

It hides nothing else. Variables are for the processes we start, too.
"""

from __future__ import annotations

import os
import warnings

# Telemetry is on by default, Rasa 3.6 on SQLAlchemy 1.4 warns at every start, TensorFlow greets.
QUIET = {
    "RASA_TELEMETRY_ENABLED": "false",
    "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    "TF_CPP_MIN_LOG_LEVEL": "2",
}
os.environ.update(QUIET)

# Shows every deprecation once from its import on, so what we leave out must come after it.
import sanic  # noqa: E402, F401

# Rasa 3.6.21 uses pkg_resources of a setuptools that it demands and that deprecates it.
warnings.filterwarnings("ignore", "pkg_resources is deprecated", DeprecationWarning)
warnings.filterwarnings("ignore", "Deprecated call to `pkg_resources", DeprecationWarning)
# Sanic 21.12's websockets, at the first chat.
warnings.filterwarnings("ignore", "The explicit passing of coroutine objects", DeprecationWarning)
# Sanic-Cors 2.0 and the distutils of Python 3.10.
warnings.filterwarnings("ignore", "distutils Version classes are deprecated", DeprecationWarning)
