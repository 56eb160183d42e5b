"""Rasa's command line, without what its own old libraries complain about: python -m tools.rasa …"""

from __future__ import annotations

import sys
import warnings

# Shows every deprecation once from its import on, so ours must come after it.
import sanic  # noqa: F401

# Rasa 3.6.21 uses pkg_resources of a setuptools that it demands and that deprecates it.
warnings.filterwarnings("ignore", "pkg_resources is deprecated", DeprecationWarning)
warnings.filterwarnings("ignore", "Deprecated call to `pkg_resources", DeprecationWarning)

from rasa.__main__ import main  # noqa: E402

if __name__ == "__main__":
    sys.argv[0] = "rasa"
    main()
