# Functions that the scripts share: clusters by kind, applications by kubectl, backup and restore of volumes.
# Given: CLUSTER, IMAGE, WORKLOAD_IMAGE, DATA (a directory of the host).
# shellcheck shell=bash
set -euo pipefail
export KUBECONFIG="$DATA/kubeconfig"
node() { docker exec -i "$CLUSTER-$1" "${@:2}"; }
k() { node control-plane kubectl --kubeconfig /etc/kubernetes/admin.conf "$@"; }
fail() { echo "$*" >&2; exit 1; }

# create [HOST_PATH NODE_PATH]... : three nodes with these mounts; NODE_PATH of a manifest is for the control plane only
# shellcheck disable=SC2120
create() {
  local mounts='' first=''
  while (($#)); do
    local entry="{hostPath: $1, containerPath: $2}, "
    case $2 in /kind/*) first+=$entry ;; *) mounts+=$entry ;; esac
    shift 2
  done
  cat <<EOF | kind create cluster --name "$CLUSTER" --image "$IMAGE" --wait 5m --config - 2>/dev/null
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- {role: control-plane, extraMounts: [$mounts $first]}
- {role: worker, extraMounts: [$mounts]}
- {role: worker, extraMounts: [$mounts]}
EOF
  k wait --for=condition=Ready nodes --all --timeout=5m >/dev/null
  until k get serviceaccount default >/dev/null 2>&1; do sleep 0.3; done
}
delete() { kind delete cluster --name "$CLUSTER" 2>/dev/null; }

claim() { # NAME ACCESS_MODE
  echo "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: $1}, spec: {accessModes: [$2], resources: {requests: {storage: 64Mi}}}}"
  echo ---
}
pod_of() { # NAME [CLAIM | set]
  local volumes='' mounts='volumeMounts: [{name: data, mountPath: /data}]'
  case ${2:-} in
    '') mounts='' ;;
    set) ;;
    *) volumes="volumes: [{name: data, persistentVolumeClaim: {claimName: $2}}]" ;;
  esac
  cat <<EOF
  selector: {matchLabels: {app: $1}}
  template:
    metadata: {labels: {app: $1}}
    spec:
      topologySpreadConstraints:
        - {maxSkew: 1, topologyKey: kubernetes.io/hostname, whenUnsatisfiable: DoNotSchedule, nodeTaintsPolicy: Honor, labelSelector: {matchLabels: {app: $1}}}
      containers:
        - name: writer
          image: $WORKLOAD_IMAGE
          imagePullPolicy: IfNotPresent
          env: [{name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
          startupProbe: {exec: {command: [test, -s, /data/journal]}, periodSeconds: 1, failureThreshold: 60}
          command:
            - sh
            - -c
            - |
              note() { echo "\$(date -u +%FT%TZ) \$1 on \$NODE: \$HOSTNAME" >> /data/journal; }
              trap 'note ended; exit' TERM
              mkdir -p /data
              note started
              while true; do sleep 3600 & wait; done
          $mounts
      $volumes
---
EOF
}
deployment() { # NAME REPLICAS [CLAIM]
  printf 'apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: %s}\nspec:\n  replicas: %s\n  strategy: {type: Recreate}\n' "$1" "$2"
  pod_of "$1" "${3:-}"
}
statefulset() { # NAME REPLICAS
  printf 'apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: %s}\nspec:\n  replicas: %s\n  serviceName: %s\n' "$1" "$2" "$1"
  printf '  podManagementPolicy: Parallel\n  volumeClaimTemplates:\n    - metadata: {name: data}\n'
  printf '      spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 64Mi}}}\n'
  pod_of "$1" set
}
ready() { for one; do k rollout status "$one" --timeout=120s >/dev/null; done; }
stop() { # CONTROLLER...
  k scale "$@" --replicas=0 >/dev/null
  k wait --for=delete pods --all --timeout=120s >/dev/null
}
pods() { k get pods -l "app=$1" -o "jsonpath={range .items[*]}{.metadata.name} {.spec.nodeName}{'\n'}{end}"; }
volumes_gone() { until [ -z "$(k get pv -o name)" ]; do sleep 0.5; done; }

# save FILE CLAIM... : Retain first, then volumes and claims as text
save() {
  local file=$1 name
  shift
  for name in $(k get pvc "$@" -o 'jsonpath={.items[*].spec.volumeName}'); do
    k patch pv "$name" -p '{"spec": {"persistentVolumeReclaimPolicy": "Retain"}}' >/dev/null
  done
  # shellcheck disable=SC2046
  k get pv $(k get pvc "$@" -o 'jsonpath={.items[*].spec.volumeName}') -o json >"$file"
  k get pvc "$@" -o json >"$file.claims"
  find "$DATA" -path '*pvc-*' -type f -exec sha256sum {} + | sort >"$file.sums"
}
# restore FILE : the volumes, each reserved for its claim
restore() {
  sha256sum --quiet --check "$1.sums"
  python3 -c '
import json, sys
items = json.load(sys.stdin)["items"]
for item in items:
    for key in ("uid", "resourceVersion", "creationTimestamp", "finalizers", "managedFields"):
        item["metadata"].pop(key, None)
    item.pop("status", None)
    for key in ("uid", "resourceVersion"):
        item["spec"]["claimRef"].pop(key, None)
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
' <"$1" | k apply -f - >/dev/null
}
