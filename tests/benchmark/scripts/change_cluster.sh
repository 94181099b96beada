#!/usr/bin/env bash
# Use case 6 by kind and kubectl alone: a cluster gets a port, a mount and a worker more, and its application comes back.
# shellcheck disable=SC2016
# shellcheck source=common.sh
. "$(dirname "$0")/common.sh"
shop=$(dirname "$0")/../../../playbooks/files/shop.yml
kinds=configmaps,secrets,serviceaccounts,roles,rolebindings,services,deployments,statefulsets,tariffs,hpa,pdb
mkdir -p "$DATA/volumes" "$DATA/stock"
echo flour >"$DATA/stock/list"
volumes="{hostPath: $DATA/volumes, containerPath: /var/local-path-provisioner}"
stock="{hostPath: $DATA/stock, containerPath: /mnt/stock}"
shaped() { # WORKERS MOUNTS [PORT]
  {
    printf 'kind: Cluster\napiVersion: kind.x-k8s.io/v1alpha4\nnodes:\n'
    echo "- {role: control-plane, extraMounts: [$2], extraPortMappings: [${3:-}]}"
    for ((worker = 0; worker < $1; worker++)); do echo "- {role: worker, extraMounts: [$2]}"; done
  } | kind create cluster --name "$CLUSTER" --image "$IMAGE" --wait 5m --config - 2>/dev/null
  k wait --for=condition=Ready nodes --all --timeout=5m >/dev/null
  until k get serviceaccount default >/dev/null 2>&1; do sleep 0.3; done
  k label node "$CLUSTER-worker" shelf=bread >/dev/null
  k -n kube-system get configmap coredns -o yaml | sed 's/cache 30/cache 60/' | k replace -f - >/dev/null
}
s() { k --namespace shop "$@"; }
apps() { claim test ReadWriteOnce; deployment test 1 test; statefulset ordinals 1; }
load() { kind load image-archive "$DATA/image.tar" --name "$CLUSTER" 2>/dev/null; }
read_all() { for one in deployment/test ordinals-0; do s exec "$one" -- cat /data/message; done; }
# cleaned : a list without what the server sets, for kubectl apply
cleaned() {
  python3 -c '
import json, sys
items = [i for i in json.load(sys.stdin)["items"] if i["metadata"]["name"] != "kube-root-ca.crt"]
for item in items:
    for key in ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation"):
        item["metadata"].pop(key, None)
    item.pop("status", None)
    if item["kind"] == "PersistentVolumeClaim":
        item["metadata"].pop("annotations")  # that it is bound
    if item["kind"] == "Service" and item["spec"].get("clusterIP") != "None":
        item["spec"].pop("clusterIP", None), item["spec"].pop("clusterIPs", None)
print(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
'
}

shaped 1 "$volumes"
node control-plane sh -ec '
  mkdir -p /run/shop && ctr -n k8s.io images mount --rw "$(ctr -n k8s.io images list -q | grep -m 1 /busybox:)" /run/shop >&2
  echo bread and rolls >/run/shop/shelf && tar -C /run/shop -c . && ctr -n k8s.io images unmount --rm /run/shop >&2
' | docker import - kindlab/shop:demo >/dev/null
docker save kindlab/shop:demo -o "$DATA/image.tar"
docker image rm kindlab/shop:demo >/dev/null
load
k apply -f - <"$shop" >/dev/null 2>&1 || k wait --for=condition=Established crd/tariffs.shop.example.com >/dev/null
k apply -f - <"$shop" >/dev/null
apps | s apply -f - >/dev/null
for one in deployment/page deployment/test statefulset/ordinals; do s rollout status "$one" --timeout=120s >/dev/null; done
for one in deployment/test ordinals-0; do
  s exec "$one" -- sh -c 'mkdir "/data/a directory" && echo "written by $HOSTNAME on $NODE" > /data/message && head -c 1000000 /dev/urandom > "/data/a directory/a file"'
done
written=$(read_all)
count=$(s get "$kinds" -o name | sort)

s scale deployment/test statefulset/ordinals --replicas=0 >/dev/null
s wait --for=delete pods -l 'app in (test, ordinals)' --timeout=120s >/dev/null
for name in $(s get pvc -o 'jsonpath={.items[*].spec.volumeName}'); do
  k patch pv "$name" -p '{"spec": {"persistentVolumeReclaimPolicy": "Retain"}}' >/dev/null
done
k get pv -o json >"$DATA/saved"
find "$DATA" -path '*pvc-*' -type f -exec sha256sum {} + | sort >"$DATA/saved.sums"
s get pvc -o json | cleaned >"$DATA/claims"
k get crd/tariffs.shop.example.com namespace/shop -o json | cleaned >"$DATA/definitions"
s get "$kinds" -o json | cleaned >"$DATA/objects"
delete
shaped 2 "$volumes, $stock" '{containerPort: 30080, hostPort: 30080, listenAddress: 127.0.0.1}'
load
k apply -f - <"$DATA/definitions" >/dev/null
k wait --for=condition=Established crd/tariffs.shop.example.com >/dev/null
restore "$DATA/saved"
k apply -f - <"$DATA/claims" >/dev/null
k apply -f - <"$DATA/objects" >/dev/null 2>&1
s scale deployment/test statefulset/ordinals --replicas=1 >/dev/null
for one in deployment/page deployment/test statefulset/ordinals; do s rollout status "$one" --timeout=120s >/dev/null; done
[ "$(read_all)" = "$written" ] || fail 'other data is read'
[ "$(s get "$kinds" -o name | sort)" = "$count" ] || fail 'objects are missing'
for name in control-plane worker worker2; do [ "$(node "$name" cat /mnt/stock/list)" = flour ]; done
until [ "$(python3 -c 'import urllib.request as r; print(r.urlopen("http://127.0.0.1:30080/shelf").read().decode(), end="")')" = 'bread and rolls' ]; do
  sleep 0.3
done
