#!/usr/bin/env bash
# Use case 4 by kind and kubectl alone: pods move to another node, and to another cluster, with their data.
# Also given: HOSTPATH and SHARED, the manifests of the two provisioners.
# shellcheck disable=SC2016,SC2119
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
apps() { claim mover ReadWriteOncePod; claim together ReadWriteMany; deployment mover 1 mover; deployment together 2 together; }
move() { # MOUNTS... : what the playbook's tasks/move_volumes.yml does
  have "$@"
  apps | k apply -f - >/dev/null
  ready deployment/mover deployment/together
  read -r pod on < <(pods mover)
  written=$(k exec "$pod" -- sh -c 'echo "written by $HOSTNAME on $NODE" > /data/message && cat /data/message')
  while read -r one _; do
    [ "$(k exec "$one" -- grep -c started /data/journal </dev/null)" = 2 ] || fail "$one does not see the other one"
  done < <(pods together)
  k drain "$on" --ignore-daemonsets >/dev/null
  ready deployment/mover deployment/together
  read -r second next < <(pods mover)
  [ "$next" != "$on" ] && [ "$(k exec "$second" -- cat /data/message)" = "$written" ]
  [ "$(k exec "$second" -- tail -n 3 /data/journal | cut -d ' ' -f 2 | paste -sd ' ')" = "started ended started" ]
  k uncordon "$on" >/dev/null
  stop deployment/mover deployment/together
  save "$DATA/saved" mover together
  delete
  have "$@"
  restore "$DATA/saved"
  apps | k apply -f - >/dev/null
  ready deployment/mover deployment/together
  read -r third _ < <(pods mover)
  [ "$(k exec "$third" -- cat /data/message)" = "$written" ]
}
mkdir -p "$DATA/hostpath" "$DATA/shared"
have() { create "$@"; k -n hostpath-storage rollout status deployment --timeout=120s >/dev/null; }
move "$DATA/hostpath" /tmp/hostpath-provisioner "$HOSTPATH" /kind/manifests/default-storage.yaml
delete
have() {
  create "$@"
  k -n local-path-storage delete deployment local-path-provisioner >/dev/null
  k delete storageclass standard >/dev/null
  k apply -f - <"$SHARED" >/dev/null 2>&1
  k -n local-path-storage rollout status deployment --timeout=120s >/dev/null
}
move "$DATA/shared" /var/local-path-provisioner
