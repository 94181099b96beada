#!/usr/bin/env bash
# Use case 5 by kind and kubectl alone: pods of two namespaces read a directory of the host, and a third one writes to another.
# shellcheck disable=SC2016,SC2119
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
host=$DATA/local_data user=47110
look() { (cd "$host" && { find . -mindepth 1 -printf '%P %y %m %U:%G\n'; find . -type f -exec sha256sum {} +; } | sort); }

# The entries that a user can't read, as the kernel of a node sees it.
unreadable() {
  node worker sh -c 'cd "$0" && setpriv --reuid="$1" --regid="$1" --clear-groups find . \
    \( -type d \( ! -readable -o ! -executable \) \) -o \( -type f ! -readable \) 2>&1' "$1" "$user" || true
}

volume() { # namespace, directory, access mode, source
  cat <<MANIFEST
---
apiVersion: v1
kind: Namespace
metadata: {name: $1}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: $1.local-data}
spec:
  accessModes: [$3]
  capacity: {storage: 1Gi}
  persistentVolumeReclaimPolicy: Retain
  claimRef: {namespace: $1, name: local-data}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: kubernetes.io/hostname, operator: Exists}]}]}}
  $4
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: local-data, namespace: $1, labels: {mode: $3}}
spec:
  accessModes: [$3]
  storageClassName: ""
  volumeName: $1.local-data
  resources: {requests: {storage: 1Gi}}
MANIFEST
}

policy() {
  cat <<'MANIFEST'
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: local-data.example.com}
spec:
  paramKind: {apiVersion: v1, kind: PersistentVolumeClaim}
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
    - message: the claim is read-only
      expression: >-
        object.spec.volumes.all(v, !has(v.persistentVolumeClaim)
        || v.persistentVolumeClaim.claimName != params.metadata.name
        || (has(v.persistentVolumeClaim.readOnly) && v.persistentVolumeClaim.readOnly))
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: local-data.example.com}
spec:
  policyName: local-data.example.com
  validationActions: [Deny]
  paramRef: {selector: {matchLabels: {mode: ReadOnlyMany}}, parameterNotFoundAction: Allow}
MANIFEST
}

pod() { # name, namespace, node, readOnly, what it does
  cat <<MANIFEST
---
apiVersion: v1
kind: Pod
metadata: {name: $1, namespace: $2, labels: {app: local-data}}
spec:
  nodeSelector: {kubernetes.io/hostname: $3}
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  securityContext: {runAsUser: $user, runAsGroup: $user, runAsNonRoot: true}
  containers:
    - name: pod
      image: $WORKLOAD_IMAGE
      command: [sh, -c, '$5']
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, persistentVolumeClaim: {claimName: local-data, readOnly: $4}}]
MANIFEST
}

mkdir -p "$host"
create "$host" /mnt/local-data
(umask 022 && cd "$host" && mkdir -p library/shelf inbox private && chmod 1777 inbox && chmod 700 private \
  && echo 'of one owner' > private/letter && echo 'a book of many pages' > library/shelf/book)
before=$(look)

[ -n "$(unreadable /mnt/local-data/private)" ] || fail "a pod could read what is private"
[ -z "$(unreadable /mnt/local-data/library)" ] || fail "a pod could not read the library"

{
  policy
  volume reading /mnt/local-data/library ReadOnlyMany 'local: {path: /mnt/local-data/library}'
  volume searching /mnt/local-data/library ReadOnlyMany 'local: {path: /mnt/local-data/library}'
  volume writing /mnt/local-data/inbox ReadWriteMany 'hostPath: {path: /mnt/local-data/inbox, type: Directory}'
} | k apply -f - >/dev/null
k wait --for=jsonpath='{.status.phase}'=Bound persistentvolumes --all --timeout=60s >/dev/null

read_and_try='{ cat /data/shelf/book; touch /data/attempt || true; } > /dev/termination-log 2>&1'
write='echo "written by $(id -u)" > /data/message'
{
  pod first reading "$CLUSTER-worker" true "$read_and_try"
  pod second searching "$CLUSTER-worker2" true "$read_and_try"
  pod third writing "$CLUSTER-worker" false "$write"
} | k apply -f - >/dev/null
if refused=$(pod writing reading "$CLUSTER-worker" false true | k apply -f - 2>&1); then
  fail "a pod that could write to the library was let in"
fi
case $refused in *"is read-only"*) ;; *) fail "refused for another reason: $refused" ;; esac
k wait --for=jsonpath='{.status.phase}'=Succeeded pods --all-namespaces -l app=local-data --timeout=60s >/dev/null
said=$(k get pods --all-namespaces -l app=local-data \
  -o jsonpath='{.items[*].status.containerStatuses[0].state.terminated.message}')
[ "$(echo "$said" | grep -c 'a book of many pages')" = 2 ] || fail "not both pods read: $said"
[ "$(echo "$said" | grep -c 'Read-only file system')" = 2 ] || fail "a pod wrote to the library: $said"
exposed=$(look)
echo "$exposed" | grep -qx "inbox/message f 644 $user:$user" || fail "what was written is not on the host: $exposed"

k delete pods --all-namespaces -l app=local-data >/dev/null
k delete persistentvolumeclaims --all-namespaces --all >/dev/null
k delete persistentvolumes --all >/dev/null
k delete validatingadmissionpolicybindings,validatingadmissionpolicies local-data.example.com >/dev/null
after=$(look)
[ "$after" = "$exposed" ] || fail "the data is not what it was: $after"
[ "$(echo "$after" | grep -v inbox)" = "$(echo "$before" | grep -v inbox)" ] || fail "the library is not what it was: $after"
echo "$said"
