#!/usr/bin/env bash
# Use case 1 by kind and kubectl alone: the default class binds claims to the nodes of their pods.
# shellcheck disable=SC2016,SC2119
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
create
{ claim single ReadWriteOnce; deployment single 1 single; statefulset several 3; } | k apply -f - >/dev/null
ready deployment/single statefulset/several
[ "$(k get storageclass -o 'jsonpath={.items[?(@.metadata.annotations.storageclass\.kubernetes\.io/is-default-class=="true")].metadata.name}')" = standard ]
k -n local-path-storage get pods -l app=local-path-provisioner
k -n local-path-storage get configmap local-path-config -o 'jsonpath={.data.config\.json}'
affinity='{.spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].values[0]}{.spec.nodeAffinity.required.nodeSelectorTerms[0].matchFields[0].values[0]}'
while read -r name on; do
  case $name in several-*) claimed=data-$name ;; *) claimed=single ;; esac
  volume=$(k get pvc "$claimed" -o 'jsonpath={.spec.volumeName}' </dev/null)
  [ "$(k get pv "$volume" -o "jsonpath=$affinity" </dev/null)" = "$on" ] || fail "$volume is not on $on"
  echo "$claimed: $volume on $on"
done < <(pods single; pods several)
k delete --cascade=foreground deployment/single statefulset/several >/dev/null
k delete pvc --all >/dev/null
volumes_gone
