#!/bin/sh
# Installs the project with the named extras into .venv: tools/install.sh train,test
# Versions come from constraints.txt. uv resolves and downloads in parallel and shows progress;
# UV_TORCH_BACKEND=cpu takes PyTorch's CPU build, which is 3 GB smaller.
set -eu
extras=$1
needed_gb=9

python=$(sh tools/python.sh)
if [ ! -x .venv/bin/python ] || ! .venv/bin/python -c '' 2>/dev/null; then
    free_gb=$(df -Pk . | awk 'NR == 2 { print int($4 / 1048576) }')
    if [ "$free_gb" -lt "$needed_gb" ]; then
        echo "Disk full: $(pwd) has $free_gb GB free, the environment needs $needed_gb GB." >&2
        exit 1
    fi
    echo "==> Making a virtual environment with $python"
    rm -rf .venv
    "$python" -m venv .venv
fi
echo "==> Installing [$extras] (several GB on the first run)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
# A package mirror configured for pip serves uv too.
if [ -z "${UV_DEFAULT_INDEX:-}" ] && mirror=$(.venv/bin/pip config get global.index-url 2>/dev/null); then
    export UV_DEFAULT_INDEX="$mirror"
fi
.venv/bin/uv pip install --compile-bytecode --python .venv/bin/python -c constraints.txt -e ".[$extras]"
