#!/bin/sh
# Make .venv with the newest Python on PATH that the locks were made for; PYTHON=… chooses another.
set -eu
trap 'rm -rf .venv; exit 130' INT TERM # half an environment would pass for a whole one

suits() { # 3.11 or newer, and able to make an environment with pip (Debian keeps that in a package of its own)
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    if command -v "$candidate" >/dev/null 2>&1 && suits "$candidate"; then
        echo "making .venv with $("$candidate" --version) …" >&2
        "$candidate" -m venv .venv && exit 0
        rm -rf .venv
    fi
done

echo "No suitable Python${PYTHON:+ ($PYTHON)}: Groundswell needs Python 3.11 or newer with the modules venv and ensurepip." >&2
echo "Install one (Debian and Ubuntu: apt-get install python3 python3-venv; macOS: brew install python@3.13)," >&2
echo "or say where it is: make PYTHON=/path/to/python3.12 run" >&2
exit 1
