#!/usr/bin/env bash
# Installs what the tests drive and no package manager of the project brings:
# Chromium, and rsyslog as a real sender of _bulk. Where it cannot (no root, no
# apt), it says so; the tests that need them are skipped, or fail with
# REQUIRE_ENGINES=1.
set -euo pipefail
missing=()
[ -x /usr/bin/chromium ] || missing+=(chromium)
[ -x /usr/sbin/rsyslogd ] || missing+=(rsyslog)
ls /usr/lib/*/rsyslog/omelasticsearch.so >/dev/null 2>&1 || missing+=(rsyslog-elasticsearch)
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "cannot install ${missing[*]}: needs root and apt-get"
  exit 0
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
# No daemon is to be started by being installed.
apt-get install -qy --no-install-recommends "${missing[@]}" >/dev/null || echo "could not install ${missing[*]}"
