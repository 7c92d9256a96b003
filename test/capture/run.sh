#!/usr/bin/env bash
# Makes the captures of cmd/demo/captures: real sshd, rsyslog, sudo, su and
# account tools write logs while a client makes real logins and writes down what
# it did. Everything happens in namespaces of its own (network, processes,
# mounts, host names) on copies of /etc, so that nothing is left on the machine.
#
#   test/capture/run.sh [-list] [NAME…]     (as root, on Debian or Ubuntu)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" = 0 ] || { echo "run.sh: needs root, to make namespaces and accounts" >&2; exit 1; }

missing=()
command -v sshd > /dev/null || [ -x /usr/sbin/sshd ] || missing+=(openssh-server)
[ -x /usr/sbin/rsyslogd ] || missing+=(rsyslog)
command -v sudo > /dev/null || missing+=(sudo)
command -v ip > /dev/null || missing+=(iproute2)
command -v openssl > /dev/null || missing+=(openssl)
[ -e /usr/share/zoneinfo/Europe/Oslo ] || missing+=(tzdata)
if [ ${#missing[@]} -gt 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$here/.." && go build -o "$work/capture" ./capture)
# --kill-child ends every daemon with the session, whatever happens to it.
unshare --mount --net --uts --pid --fork --kill-child --mount-proc \
  "$work/capture" -work "$work" -out "$here/../../cmd/demo/captures" -setup "$here/host.sh" "$@"
