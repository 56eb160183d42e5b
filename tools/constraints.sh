#!/bin/sh
# Writes constraints.txt: the newest versions that fit pyproject.toml and tools/constraints.in.
set -eu
{
    echo '# Every version, pinned in one place. Made from pyproject.toml by `make constraints`.'
    .venv/bin/uv pip compile pyproject.toml --all-extras -c tools/constraints.in --quiet \
        --no-annotate --no-header --python .venv/bin/python
    grep '^uv==' tools/constraints.in
} >constraints.new
mv constraints.new constraints.txt
