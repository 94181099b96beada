// hostpath-provisioner makes volumes that are directories of one host directory, the same on all nodes.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"

	"kindlab/node/hostdir"
)

// client-go's own limits, 5 a second, would make a hundred claims wait for a minute.
const (
	requests = 100
	burst    = 200
)

type options struct {
	driver              string
	directory           string
	workerThreads       int
	provisioningRetries int
	deletionRetries     int
}

func main() {
	var asked options
	flag.StringVar(&asked.driver, "provisioner", "", "What storage classes call this provisioner")
	flag.StringVar(&asked.directory, "directory", "", "The directory that the volumes' directories lie in")
	flag.IntVar(&asked.workerThreads, "worker-threads", controller.DefaultThreadiness, "How many volumes are made or removed at once")
	flag.IntVar(&asked.provisioningRetries, "provisioning-retries", controller.DefaultFailedProvisionThreshold, "How often a failed volume is tried again, 0 for ever")
	flag.IntVar(&asked.deletionRetries, "deletion-retries", controller.DefaultFailedDeleteThreshold, "How often a failed removal is tried again, 0 for ever")
	klog.InitFlags(nil)
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, asked); err != nil {
		klog.ErrorS(err, "Giving up")
		klog.FlushAndExit(klog.ExitFlushTimeout, 1)
	}
}

func run(ctx context.Context, asked options) error {
	if asked.driver == "" || asked.workerThreads < 1 || asked.provisioningRetries < 0 || asked.deletionRetries < 0 {
		return fmt.Errorf("--provisioner must be set, --worker-threads at least 1, and no number negative")
	}
	namespace := os.Getenv("POD_NAMESPACE")
	if namespace == "" {
		return fmt.Errorf("POD_NAMESPACE must be set: the lease lies there")
	}
	root, err := hostdir.Open(asked.directory)
	if err != nil {
		return err
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	config.QPS, config.Burst = requests, burst
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	var workers sync.WaitGroup
	return lead(ctx, client, namespace, asked.driver, func(ctx context.Context) {
		klog.InfoS("Serving", "provisioner", asked.driver, "directory", root)
		work := controller.NewProvisionController(ctx, client, asked.driver, provisioner{root},
			controller.LeaderElection(false), // it never gives its lease back
			controller.Threadiness(asked.workerThreads),
			controller.FailedProvisionThreshold(asked.provisioningRetries),
			controller.FailedDeleteThreshold(asked.deletionRetries),
		)
		work.ControllerWaitGroup(&workers)
		work.Run(ctx)
		workers.Wait()
	})
}
