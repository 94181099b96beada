// The CNI configuration that containerd reads.
package podnet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/vishvananda/netlink"
	"k8s.io/klog/v2"
)

const (
	configFile = "/etc/cni/net.d/10-podnet.conflist"
	defaultMTU = 1500
)

type object map[string]any

// writeConfig puts the configuration in place in one move, and only when it differs.
func writeConfig(own string) error {
	content, err := json.MarshalIndent(config(own, uplinkMTU()), "", "  ")
	if err != nil {
		return err
	}
	if existing, err := os.ReadFile(configFile); err == nil && bytes.Equal(existing, content) {
		return nil
	}
	if err := os.WriteFile(configFile+".tmp", content, 0o644); err != nil {
		return fmt.Errorf("writing the CNI configuration: %w", err)
	}
	if err := os.Rename(configFile+".tmp", configFile); err != nil {
		return err
	}
	klog.InfoS("Wrote the CNI configuration", "range", own)
	return nil
}

func config(own string, mtu int) object {
	return object{
		"cniVersion": "0.4.0",
		"name":       "podnet",
		"plugins": []object{
			{
				"type": "ptp", "mtu": mtu, "ipMasq": false,
				"ipam": object{
					"type": "host-local",
					// in /run: addresses of pods from before a reboot must not stay taken
					"dataDir": "/run/cni-ipam-state",
					"ranges":  [][]object{{{"subnet": own}}},
					"routes":  []object{{"dst": "0.0.0.0/0"}},
				},
			},
			{"type": "portmap", "capabilities": object{"portMappings": true}},
		},
	}
}

// uplinkMTU is the MTU of the interface that the default route leaves by.
func uplinkMTU() int {
	routes, err := netlink.RouteList(nil, netlink.FAMILY_V4)
	if err != nil {
		return defaultMTU
	}
	for _, route := range routes {
		if route.Dst != nil && !route.Dst.IP.IsUnspecified() {
			continue
		}
		if link, err := netlink.LinkByIndex(route.LinkIndex); err == nil && link.Attrs().MTU > 0 {
			return link.Attrs().MTU
		}
	}
	return defaultMTU
}
