#!/bin/sh
# Makes a node image whose images have the names of kind's own: stock_image.sh FROM TO OLD=NEW...
set -eu
from=$1 to=$2
shift 2
docker rm --force it-kindest-image > /dev/null 2>&1 || true
trap 'docker rm --force it-kindest-image > /dev/null' EXIT
# The plugin that speaks to kubelet is of no use here.
docker run --name it-kindest-image --privileged --network none --entrypoint sh "$from" -euc '
  printf "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n" > /tmp/import.toml
  containerd --config /tmp/import.toml > /tmp/containerd.log 2>&1 &
  server=$!
  until ctr version > /dev/null 2>&1; do
    kill -0 "$server" || { cat /tmp/containerd.log; exit 1; }
    sleep 0.2
  done
  for pair; do
    ctr --namespace k8s.io images tag "${pair%%=*}" "${pair#*=}"
    ctr --namespace k8s.io images rm "${pair%%=*}"
  done
  kill "$server"
  wait "$server" || true
  rm -f /tmp/import.toml /tmp/containerd.log' sh "$@"
docker commit --change 'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]' --change 'CMD []' it-kindest-image "$to"
