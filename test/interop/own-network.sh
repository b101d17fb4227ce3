#!/bin/sh
# Runs a command where node-1 has the address 10.0.1.11, and nothing else is on the network: own-network.sh COMMAND...
hosts=$(mktemp) && printf '127.0.0.1 localhost\n10.0.1.11 node-1\n' >"$hosts" || exit
unshare --map-root-user --net --mount sh -c '
  ip link set lo up && ip address add 10.0.1.11/32 dev lo && mount --bind "$0" /etc/hosts && exec "$@"' "$hosts" "$@"
code=$?
rm -f "$hosts"
exit $code
