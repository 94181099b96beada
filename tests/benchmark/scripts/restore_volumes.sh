#!/usr/bin/env bash
# Use case 3 by kind and kubectl alone: volumes are restored in a cluster that was created again.
# shellcheck disable=SC2016,SC2119
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
mkdir -p "$DATA/volumes"
mounts=("$DATA/volumes" /var/local-path-provisioner)
apps() { claim test ReadWriteOnce; deployment test 1 test; statefulset ordinals 3; }
claims=(test data-ordinals-0 data-ordinals-1 data-ordinals-2)
create "${mounts[@]}"
apps | k apply -f - >/dev/null
ready deployment/test statefulset/ordinals
read -r pod on < <(pods test)
written=$(k exec "$pod" -- sh -c 'mkdir "/data/a directory" && echo "written by $HOSTNAME on $NODE" > /data/message && head -c 1000000 /dev/urandom > "/data/a directory/a file" && cat /data/message')
stop deployment/test statefulset/ordinals
k apply -f - >/dev/null <<EOF
apiVersion: v1
kind: PersistentVolume
metadata: {name: before-the-mount}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  storageClassName: ""
  hostPath: {path: /opt/before-the-mount, type: DirectoryOrCreate}
EOF
inside=$(k get pv before-the-mount -o 'jsonpath={.spec.hostPath.path}')
docker inspect -f '{{range .Mounts}}{{println .Destination}}{{end}}' "$CLUSTER-worker" | grep -qx "$inside" && fail "$inside is mounted"
k delete pv before-the-mount >/dev/null
save "$DATA/saved" "${claims[@]}"
delete
sha256sum --quiet --check "$DATA/saved.sums"
create "${mounts[@]}"
restore "$DATA/saved"
apps | k apply -f - >/dev/null
ready deployment/test statefulset/ordinals
read -r pod now < <(pods test)
[ "$now" = "$on" ] && [ "$(k exec "$pod" -- cat /data/message)" = "$written" ]
for number in 0 1 2; do
  [ "$(k exec "ordinals-$number" -- sed 's/.* //' /data/journal | sort -u)" = "ordinals-$number" ] || fail "ordinals-$number has foreign data"
done
