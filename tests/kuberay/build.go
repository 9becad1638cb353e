package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"

	rayv1 "github.com/ray-project/kuberay/ray-operator/apis/ray/v1"
	"github.com/ray-project/kuberay/ray-operator/controllers/ray/common"
	"github.com/ray-project/kuberay/ray-operator/controllers/ray/utils"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What stands for the characters that KubeRay makes up.
const madeUp = "xxxxx"

// built has what KubeRay posts for an object: the head pod, a pod of each worker group, the pod template of the submitter, and
// the Service of the head.
type built struct {
	Posted []any  `json:"posted"`
	Error  string `json:"error,omitempty"`
	Panic  bool   `json:"panic,omitempty"`
}

// build calls the builders as the reconcilers do.
func build(text string) (answer any) {
	defer func() {
		if reason := recover(); reason != nil {
			answer = built{Panic: true, Error: fmt.Sprint(reason)}
		}
	}()
	var kind metav1.TypeMeta
	if err := json.Unmarshal([]byte(text), &kind); err != nil {
		return built{Error: err.Error()}
	}
	switch kind.Kind {
	case "RayCluster":
		var cluster rayv1.RayCluster
		if err := json.Unmarshal([]byte(text), &cluster); err != nil {
			return built{Error: err.Error()}
		}
		return buildCluster(&cluster)
	case "RayService":
		var service rayv1.RayService
		if err := json.Unmarshal([]byte(text), &service); err != nil {
			return built{Error: err.Error()}
		}
		return buildCluster(child(&service.ObjectMeta, service.Spec.RayClusterSpec, utils.RayServiceCRD))
	case "RayJob":
		var job rayv1.RayJob
		if err := json.Unmarshal([]byte(text), &job); err != nil {
			return built{Error: err.Error()}
		}
		return buildJob(&job)
	}
	return built{Error: "unknown kind " + kind.Kind}
}

// child is the RayCluster of an object (constructRayClusterForRayJob, constructRayClusterForRayService).
func child(owner *metav1.ObjectMeta, spec rayv1.RayClusterSpec, kind utils.CRDType) *rayv1.RayCluster {
	labels := map[string]string{}
	for key, value := range owner.Labels {
		labels[key] = value
	}
	labels[utils.RayOriginatedFromCRDLabelKey] = utils.RayOriginatedFromCRDLabelValue(kind)
	return &rayv1.RayCluster{
		ObjectMeta: metav1.ObjectMeta{
			Name:        owner.Name + "-" + madeUp,
			Namespace:   owner.Namespace,
			Labels:      labels,
			Annotations: owner.Annotations,
		},
		Spec: *spec.DeepCopy(),
	}
}

func buildJob(job *rayv1.RayJob) built {
	mode := job.Spec.SubmissionMode
	cluster := child(&job.ObjectMeta, *job.Spec.RayClusterSpec, utils.RayJobCRD)
	head := &cluster.Spec.HeadGroupSpec.Template
	if mode == rayv1.SidecarMode {
		submitter := common.GetDefaultSubmitterContainer(&cluster.Spec)
		configure(&submitter, cluster, true)
		head.Spec.Containers = append(head.Spec.Containers, submitter)
		head.Spec.RestartPolicy = corev1.RestartPolicyNever
	}
	answer := buildCluster(cluster)
	if mode == "" || mode == rayv1.K8sJobMode {
		template := common.GetSubmitterTemplate(&job.Spec, job.Spec.RayClusterSpec)
		configure(&template.Spec.Containers[utils.RayContainerIndex], cluster, false)
		if utils.IsK8sAuthEnabled(cluster.Spec.AuthOptions) {
			common.AddRayTokenVolume(&template.Spec)
		}
		answer.Posted = append(answer.Posted, template)
	}
	return answer
}

// configure completes a submitter's container (configureSubmitterContainer).
func configure(container *corev1.Container, cluster *rayv1.RayCluster, sidecar bool) {
	if len(container.Command) == 0 || sidecar {
		container.Command = utils.GetContainerCommand([]string{"e"})
		container.Args = []string{"ray job submit"}
	}
	for _, name := range []string{"PYTHONUNBUFFERED", utils.RAY_DASHBOARD_ADDRESS, utils.RAY_JOB_SUBMISSION_ID} {
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: "1"})
	}
	if utils.IsAuthEnabled(&cluster.Spec) {
		common.SetContainerTokenAuthEnvVars(cluster.Name, container, cluster.Spec.AuthOptions)
	}
}

// buildCluster builds the pods of a RayCluster (buildHeadPod, buildWorkerPod) and the Service of its head.
func buildCluster(cluster *rayv1.RayCluster) built {
	ctx := context.Background()
	answer := built{}
	cluster.UID = "00000000-0000-0000-0000-000000000000"
	creator := utils.GetCRDType(cluster.Labels[utils.RayOriginatedFromCRDLabelKey])
	host := utils.GenerateFQDNServiceName(ctx, *cluster, cluster.Namespace)
	service, err := common.BuildServiceForHeadPod(ctx, *cluster.DeepCopy(), nil, nil)
	if err != nil {
		return built{Error: err.Error()}
	}
	autoscales := utils.IsAutoscalingEnabled(&cluster.Spec)
	{
		cluster := cluster.DeepCopy()
		head := &cluster.Spec.HeadGroupSpec
		head.RayStartParams = parameters(head.RayStartParams)
		port := common.GetHeadPort(head.RayStartParams)
		name := utils.PodName(cluster.Name, rayv1.HeadNode, true)
		template := common.DefaultHeadPodTemplate(ctx, *cluster, *head, name, port)
		pod := common.BuildPod(ctx, template, rayv1.HeadNode, head.RayStartParams, port, autoscales, creator, host, nil, cluster.Spec.RayVersion)
		answer.Posted = append(answer.Posted, pod)
	}
	for index := range cluster.Spec.WorkerGroupSpecs {
		cluster := cluster.DeepCopy()
		group := &cluster.Spec.WorkerGroupSpecs[index]
		group.RayStartParams = parameters(group.RayStartParams)
		port := common.GetHeadPort(cluster.Spec.HeadGroupSpec.RayStartParams)
		name := utils.PodName(fmt.Sprintf("%s-%s", cluster.Name, group.GroupName), rayv1.WorkerNode, true)
		replica := ""
		if group.NumOfHosts > 1 {
			replica = group.GroupName + "-" + madeUp
		}
		template := common.DefaultWorkerPodTemplate(ctx, *cluster, *group, name, host, port, replica, 0, 0)
		pod := common.BuildPod(ctx, template, rayv1.WorkerNode, group.RayStartParams, port, autoscales, creator, host, nil, cluster.Spec.RayVersion)
		answer.Posted = append(answer.Posted, pod)
	}
	answer.Posted = append(answer.Posted, sorted(service))
	return answer
}

func parameters(given map[string]string) map[string]string {
	if given == nil {
		return map[string]string{}
	}
	return given
}

// sorted gives the ports, which KubeRay appends in the random order of a map, one order.
func sorted(service *corev1.Service) *corev1.Service {
	ports := service.Spec.Ports
	sort.SliceStable(ports, func(i, j int) bool { return ports[i].Name < ports[j].Name })
	return service
}

// canonical writes each element of a list as the Go type of its kind does.
func canonical(text string) any {
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return built{Error: err.Error()}
	}
	answer := built{}
	for _, element := range list {
		var kind metav1.TypeMeta
		if err := json.Unmarshal(element, &kind); err != nil {
			return built{Error: err.Error()}
		}
		var object any
		switch kind.Kind {
		case "Pod":
			object = &corev1.Pod{}
		case "Service":
			object = &corev1.Service{}
		default:
			object = &corev1.PodTemplateSpec{}
		}
		if err := json.Unmarshal(element, object); err != nil {
			return built{Error: err.Error()}
		}
		if service, ok := object.(*corev1.Service); ok {
			object = sorted(service)
		}
		answer.Posted = append(answer.Posted, object)
	}
	return answer
}
