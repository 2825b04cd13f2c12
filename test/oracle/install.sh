#!/bin/sh
# The oracle runs on the system's Python with Debian's python3-cvxopt. Does nothing where that is already there.
set -eu
PYTHON=${PYTHON:-/usr/bin/python3}
if "$PYTHON" -c 'import cvxopt' 2>/dev/null; then exit 0; fi
if [ "$(id -u)" -eq 0 ]; then
  as_root=
elif command -v sudo >/dev/null; then
  as_root=sudo
else
  echo "install.sh: cvxopt is missing and there is neither root nor sudo to install python3-cvxopt" >&2
  exit 1
fi
$as_root apt-get update
$as_root apt-get install -y --no-install-recommends python3-cvxopt
"$PYTHON" -c 'import cvxopt'
