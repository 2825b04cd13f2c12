#!/bin/sh
# Debian packages the tests need beside Node: the independent solver behind test/oracle, a browser, and two message brokers.
# Installs only what is missing; with sudo when not root. Does nothing where there is no apt-get.
set -eu

missing=""
/usr/bin/python3 -c 'import cvxopt' 2>/dev/null || missing="$missing python3-cvxopt"
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v nats-server >/dev/null 2>&1 || [ -x /usr/sbin/nats-server ] || missing="$missing nats-server"
command -v mosquitto >/dev/null 2>&1 || [ -x /usr/sbin/mosquitto ] || missing="$missing mosquitto"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
  echo "setup: install these with your package manager:$missing" >&2
  exit 0
fi
if [ "$(id -u)" -eq 0 ]; then as_root=""; else as_root="sudo"; fi
echo "setup: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
if ! $as_root apt-get install -y -q --no-install-recommends $missing >/dev/null 2>&1; then
  $as_root apt-get update -q >/dev/null
  $as_root apt-get install -y -q --no-install-recommends $missing >/dev/null
fi
