#!/bin/sh
# Prints the path of a Python 3.10 that really runs, or says how to get one.
# A `python3.10` on the path may be a pyenv shim that fails, so every candidate is tried.

works() {
    [ -n "$1" ] && "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 10))' \
        >/dev/null 2>&1
}

if [ -n "$PYTHON" ]; then
    works "$PYTHON" && { command -v "$PYTHON"; exit 0; }
    echo "PYTHON=$PYTHON is not a Python 3.10 with venv and pip." >&2
    exit 1
fi
for candidate in python3.10 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10*/bin/python \
    "$(uv python find 3.10 2>/dev/null)" python3 python; do
    works "$candidate" && { command -v "$candidate"; exit 0; }
done
echo "No Python 3.10 found (Rasa 3.6 needs it). Install one: 'uv python install 3.10' or" \
    "'pyenv install 3.10', then run make again; or name it: make PYTHON=/path/to/python3.10" >&2
exit 1
