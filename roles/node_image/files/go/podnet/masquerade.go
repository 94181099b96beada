// Masquerading: a pod's address means nothing outside of the cluster.
package podnet

import (
	"fmt"

	"kindlab/node/netfilter"
)

const chain = "KINDLAB-MASQUERADE"

// syncMasquerade rewrites the chain in one transaction, then sees to it that packets pass it.
func syncMasquerade(own, subnet string) error {
	rules := fmt.Sprintf("*nat\n:%[1]s - [0:0]\n-A %[1]s -d %[3]s -j RETURN\n-A %[1]s -s %[2]s -j MASQUERADE\nCOMMIT\n", chain, own, subnet)
	if err := netfilter.Restore(rules); err != nil {
		return err
	}
	return netfilter.EnsureRule("nat", "POSTROUTING", "-m", "addrtype", "!", "--dst-type", "LOCAL", "-j", chain)
}
