// From a claim to a directory and its volume, and back.
package main

import (
	"context"
	"fmt"
	"path/filepath"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"

	"kindlab/node/hostdir"
)

// What was made for a volume is written into it: that directory, and no other, is removed with it. It goes with the
// volume into another cluster, so there is no word of this one in it.
const madeDirectory = "kindlab.volumes/hostpath-directory"

type provisioner struct {
	root hostdir.Root
}

// Provision makes a directory. The volume has no node affinity, as the directory is the same on all nodes; a node that
// lacks it refuses the pod, where it would otherwise start on an empty one.
func (p provisioner) Provision(_ context.Context, asked controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	claim := asked.PVC
	if err := check(claim); err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	name := hostdir.Name(claim.Namespace, claim.Name, asked.PVName)
	path, err := p.root.Make(name)
	if err != nil {
		return nil, controller.ProvisioningFinished, err
	}
	policy := v1.PersistentVolumeReclaimDelete // the API server's own default
	if asked.StorageClass.ReclaimPolicy != nil {
		policy = *asked.StorageClass.ReclaimPolicy
	}
	directory, filesystem := v1.HostPathDirectory, v1.PersistentVolumeFilesystem
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        asked.PVName,
			Annotations: map[string]string{madeDirectory: name},
		},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: policy,
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    &filesystem,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: claim.Spec.Resources.Requests[v1.ResourceStorage]},
			PersistentVolumeSource: v1.PersistentVolumeSource{
				HostPath: &v1.HostPathVolumeSource{Path: path, Type: &directory},
			},
		},
	}, controller.ProvisioningFinished, nil
}

// Delete is asked for only where the reclaim policy says so. It removes the directory that was made for this volume.
func (p provisioner) Delete(_ context.Context, volume *v1.PersistentVolume) error {
	name := volume.Annotations[madeDirectory]
	if name == "" || volume.Spec.HostPath == nil {
		return fmt.Errorf("nothing was made for the volume %s here (it has no annotation %s): set its reclaim policy to Retain", volume.Name, madeDirectory)
	}
	made, err := p.root.Path(name)
	if err != nil {
		return err
	}
	if path := filepath.Clean(volume.Spec.HostPath.Path); path != made {
		return fmt.Errorf("%s of the volume %s is not %s, which would have been made for it: remove it by hand, or set the reclaim policy to Retain", path, volume.Name, made)
	}
	return p.root.Remove(name)
}

// check says what a directory can't do for a claim. Block volumes are refused by the library.
func check(claim *v1.PersistentVolumeClaim) error {
	if claim.Spec.Selector != nil {
		return fmt.Errorf("the claim has a selector, which chooses among volumes that are there; one is made anew only for a claim without it")
	}
	if source := claim.Spec.DataSourceRef; source != nil {
		return fmt.Errorf("the claim asks for the data of %s %s; a new volume is an empty directory", source.Kind, source.Name)
	}
	return nil
}
