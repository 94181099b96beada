#!/usr/bin/env bash
# Use case 2 by kind and kubectl alone: the node of a pod is drained, and the pod returns to it with its data.
# shellcheck disable=SC2016,SC2119
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
create
{ claim holder ReadWriteOnce; deployment holder 1 holder; deployment others 4; } | k apply -f - >/dev/null
ready deployment/holder deployment/others
read -r pod on < <(pods holder)
written=$(k exec "$pod" -- sh -c 'echo "written by $HOSTNAME on $NODE" > /data/message && cat /data/message')
volume=$(k get pvc holder -o 'jsonpath={.spec.volumeName}')
echo "$pod cannot move: $(k get pv "$volume" -o 'jsonpath={.spec.nodeAffinity}')"
k drain "$on" --ignore-daemonsets >/dev/null
ready deployment/others
pods others | grep -q " $on\$" && fail "a pod is still on $on"
[ "$(k get pods -l app=holder -o 'jsonpath={.items[*].status.phase}')" = Pending ]
k uncordon "$on" >/dev/null
ready deployment/holder
read -r second again < <(pods holder)
[ "$again" = "$on" ] && [ "$(k exec "$second" -- cat /data/message)" = "$written" ]
k delete pod "$second" >/dev/null
ready deployment/holder
read -r third again < <(pods holder)
[ "$again" = "$on" ] && [ "$(k exec "$third" -- cat /data/message)" = "$written" ]
k delete --cascade=foreground deployment/holder deployment/others >/dev/null
k delete pvc --all >/dev/null
volumes_gone
