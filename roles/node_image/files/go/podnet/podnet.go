// Package podnet gives a node its pod network: a CNI configuration for the node's own range,
// a route to every other node's, and masquerading for what leaves the cluster.
package podnet

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"kindlab/node/netfilter"
)

const (
	retry = time.Second
	// Somebody else may have removed a route or a rule: no event tells of it.
	resync = time.Minute
)

// Run is the agent's main function; it returns the exit code.
func Run() int {
	klog.InitFlags(nil)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		klog.ErrorS(err, "Giving up")
		return 1
	}
	return 0
}

func run(ctx context.Context) error {
	self, subnet := os.Getenv("NODE_NAME"), os.Getenv("POD_SUBNET")
	if self == "" || subnet == "" {
		return fmt.Errorf("NODE_NAME and POD_SUBNET must be set")
	}
	client, err := connect()
	if err != nil {
		return err
	}
	if err := netfilter.Select(); err != nil {
		return fmt.Errorf("choosing the iptables backend: %w", err)
	}
	changed := make(chan struct{}, 1)
	nodes, err := watchNodes(ctx, client, changed)
	if err != nil {
		return err
	}
	klog.InfoS("Watching nodes", "node", self, "podSubnet", subnet)
	for {
		wait := resync
		if err := reconcile(self, subnet, nodes); err != nil {
			klog.ErrorS(err, "Will try again", "after", retry)
			wait = retry
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(wait):
		}
	}
}

// connect prefers the control plane's own endpoint: the service address works only once kube-proxy,
// which may wait for this network, has set it up.
func connect() (kubernetes.Interface, error) {
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, err
	}
	if endpoint := os.Getenv("CONTROL_PLANE_ENDPOINT"); endpoint != "" {
		config.Host = "https://" + endpoint
	}
	return kubernetes.NewForConfig(config)
}

// watchNodes returns a lister kept up to date by a watch; every change leaves a word in changed.
func watchNodes(ctx context.Context, client kubernetes.Interface, changed chan<- struct{}) (corelisters.NodeLister, error) {
	factory := informers.NewSharedInformerFactory(client, 0)
	nodes := factory.Core().V1().Nodes()
	tell := func() {
		select {
		case changed <- struct{}{}:
		default: // one word is waiting already
		}
	}
	_, err := nodes.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { tell() },
		DeleteFunc: func(any) { tell() },
		UpdateFunc: func(before, after any) {
			was, is := before.(*v1.Node), after.(*v1.Node)
			if podRange(was) != podRange(is) || address(was) != address(is) {
				tell()
			}
		},
	})
	if err != nil {
		return nil, err
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	return nodes.Lister(), nil
}

func reconcile(self, subnet string, lister corelisters.NodeLister) error {
	nodes, err := lister.List(labels.Everything())
	if err != nil {
		return err
	}
	routes := map[string]string{}
	own := ""
	for _, node := range nodes {
		switch {
		case podRange(node) == "":
		case node.Name == self:
			own = podRange(node)
		case address(node) != "":
			routes[podRange(node)] = address(node)
		}
	}
	if err := syncRoutes(routes); err != nil {
		return err
	}
	if own == "" {
		return fmt.Errorf("node %s has no pod range yet", self)
	}
	if err := syncMasquerade(own, subnet); err != nil {
		return err
	}
	return writeConfig(own) // last: with this file the node becomes ready
}
