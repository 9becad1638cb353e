// Command controller-runtime is the webhook that a Go team would write with kubebuilder in place of raygate: a defaulter
// that adds tolerations, a selector, shared memory and a time to live to RayJobs, and a validator that judges them.
// The benchmarks measure raygate against it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/go-logr/logr"
	rayv1 "github.com/ray-project/kuberay/ray-operator/apis/ray/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

const (
	gpu          = corev1.ResourceName("nvidia.com/gpu")
	ttl          = int32(300)
	sharedMemory = "shared-mem"
	mountPath    = "/dev/shm"
)

type defaulter struct{}

func (defaulter) Default(_ context.Context, job *rayv1.RayJob) error {
	spec := &job.Spec
	spec.ShutdownAfterJobFinishes = true
	if spec.TTLSecondsAfterFinished == 0 {
		spec.TTLSecondsAfterFinished = ttl
	}
	if spec.RayClusterSpec == nil {
		return nil
	}
	complete(&spec.RayClusterSpec.HeadGroupSpec.Template.Spec)
	for i := range spec.RayClusterSpec.WorkerGroupSpecs {
		complete(&spec.RayClusterSpec.WorkerGroupSpecs[i].Template.Spec)
	}
	return nil
}

func complete(pod *corev1.PodSpec) {
	if len(pod.Containers) == 0 {
		return
	}
	ray := &pod.Containers[0]
	raiseLimits(ray)
	addSharedMemory(pod, ray)
	if _, asks := ray.Resources.Limits[gpu]; !asks {
		return
	}
	tolerated := false
	for _, toleration := range pod.Tolerations {
		tolerated = tolerated || toleration.Key == string(gpu)
	}
	if !tolerated {
		pod.Tolerations = append(pod.Tolerations, corev1.Toleration{
			Key: string(gpu), Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule,
		})
	}
	if pod.NodeSelector == nil {
		pod.NodeSelector = map[string]string{}
	}
	if _, chosen := pod.NodeSelector["accelerator"]; !chosen {
		pod.NodeSelector["accelerator"] = "nvidia"
	}
}

// Flyte leaves the platform's small limits below the requests of a pod template.
func raiseLimits(ray *corev1.Container) {
	for resource, request := range ray.Resources.Requests {
		if limit, limited := ray.Resources.Limits[resource]; limited && limit.Cmp(request) < 0 {
			ray.Resources.Limits[resource] = request
		}
	}
}

func addSharedMemory(pod *corev1.PodSpec, ray *corev1.Container) {
	for _, mount := range ray.VolumeMounts {
		if mount.MountPath == mountPath {
			return
		}
	}
	volume := corev1.EmptyDirVolumeSource{Medium: corev1.StorageMediumMemory}
	if limit, limited := ray.Resources.Limits[corev1.ResourceMemory]; limited {
		volume.SizeLimit = &limit
	}
	pod.Volumes = append(pod.Volumes, corev1.Volume{
		Name: sharedMemory, VolumeSource: corev1.VolumeSource{EmptyDir: &volume},
	})
	ray.VolumeMounts = append(ray.VolumeMounts, corev1.VolumeMount{Name: sharedMemory, MountPath: mountPath})
}

type validator struct{}

func (validator) ValidateCreate(_ context.Context, job *rayv1.RayJob) (admission.Warnings, error) {
	return nil, judge(job)
}

func (validator) ValidateUpdate(_ context.Context, _, job *rayv1.RayJob) (admission.Warnings, error) {
	return nil, judge(job)
}

func (validator) ValidateDelete(context.Context, *rayv1.RayJob) (admission.Warnings, error) {
	return nil, nil
}

func judge(job *rayv1.RayJob) error {
	if job.Spec.RayClusterSpec == nil {
		return nil
	}
	names := map[string]bool{}
	for _, group := range job.Spec.RayClusterSpec.WorkerGroupSpecs {
		if names[group.GroupName] {
			return fmt.Errorf("two worker groups are called %q", group.GroupName)
		}
		names[group.GroupName] = true
		if group.MinReplicas != nil && group.MaxReplicas != nil && *group.MinReplicas > *group.MaxReplicas {
			return fmt.Errorf("worker group %q: minReplicas above maxReplicas", group.GroupName)
		}
		for _, container := range group.Template.Spec.Containers {
			for resource, request := range container.Resources.Requests {
				if limit, limited := container.Resources.Limits[resource]; limited && request.Cmp(limit) > 0 {
					return fmt.Errorf("worker group %q: %s asked for above its limit", group.GroupName, resource)
				}
			}
		}
	}
	return nil
}

func run() error {
	port := flag.Int("port", 9443, "where reviews are taken, on 127.0.0.1")
	certificates := flag.String("cert-dir", "", "the folder of tls.crt and tls.key")
	flag.Parse()
	ctrl.SetLogger(logr.FromSlogHandler(slog.NewJSONHandler(os.Stderr, nil)))
	scheme := runtime.NewScheme()
	if err := rayv1.AddToScheme(scheme); err != nil {
		return err
	}
	server := webhook.NewServer(webhook.Options{Host: "127.0.0.1", Port: *port, CertDir: *certificates})
	server.Register("/mutate", admission.WithDefaulter[*rayv1.RayJob](scheme, defaulter{}))
	server.Register("/validate", admission.WithValidator[*rayv1.RayJob](scheme, validator{}))
	return server.Start(ctrl.SetupSignalHandler())
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
