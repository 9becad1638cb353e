// What the API server of one Kubernetes release says of an object that KubeRay posts: a Pod, a Job or a Service.
//
// Usage: pods verdict. Each line on standard input is one JSON string, the JSON of an object; each line on standard output is one
// JSON object with the answer, in the same order. The object is decoded, defaulted, prepared and validated as the registry of the
// API server does it, with the feature gates of the release. Of the admission plugins, only the default service account counts.
//
// go.mod names the newest supported release, oldest.mod the oldest.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/capabilities"
	"k8s.io/kubernetes/pkg/registry/batch/job"
	"k8s.io/kubernetes/pkg/registry/core/pod"
)

// refusal is one error of the validation.
type refusal struct {
	Field  string `json:"field"`
	Type   string `json:"type"`
	Detail string `json:"detail"`
}

// verdict has every error, or says why the object cannot be decoded.
type verdict struct {
	Undecodable string    `json:"undecodable,omitempty"`
	Refusals    []refusal `json:"refusals"`
}

func main() {
	if len(os.Args) != 2 || os.Args[1] != "verdict" {
		fail("usage: pods verdict")
	}
	// As the flag --allow-privileged of the API server, which clusters set.
	capabilities.Initialize(capabilities.Capabilities{AllowPrivileged: true})
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	encoder := json.NewEncoder(out)
	for {
		line, err := in.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			break
		}
		if err != nil && err != io.EOF {
			fail(err.Error())
		}
		var text string
		if err := json.Unmarshal(line, &text); err != nil {
			fail(fmt.Sprintf("%q is not a JSON string: %v", line, err))
		}
		if err := encoder.Encode(judge(text)); err != nil {
			fail(err.Error())
		}
	}
	if err := out.Flush(); err != nil {
		fail(err.Error())
	}
}

func judge(text string) verdict {
	var kind metav1.TypeMeta
	if err := json.Unmarshal([]byte(text), &kind); err != nil {
		return verdict{Undecodable: err.Error()}
	}
	var refusals field.ErrorList
	var err error
	switch kind.Kind {
	case "Pod":
		refusals, err = judgePod(text)
	case "Job":
		refusals, err = judgeJob(text)
	case "Service":
		refusals, err = judgeService(text)
	default:
		err = fmt.Errorf("unknown kind %q", kind.Kind)
	}
	if err != nil {
		return verdict{Undecodable: err.Error()}
	}
	answer := verdict{Refusals: []refusal{}}
	for _, one := range refusals {
		answer.Refusals = append(answer.Refusals, refusal{Field: one.Field, Type: string(one.Type), Detail: one.Detail})
	}
	return answer
}

// internal decodes a text into an external object, defaults it, and converts it.
func internal(text string, external, object runtime.Object, metadata *metav1.ObjectMeta) error {
	if err := json.Unmarshal([]byte(text), external); err != nil {
		return err
	}
	if metadata.Name == "" && metadata.GenerateName != "" {
		metadata.Name = metadata.GenerateName + "xxxxx"
	}
	// As the admission plugin ServiceAccount, before the validation.
	if pod, ok := external.(*corev1.Pod); ok && pod.Spec.ServiceAccountName == "" && pod.Spec.DeprecatedServiceAccount == "" {
		pod.Spec.ServiceAccountName = "default"
	}
	legacyscheme.Scheme.Default(external)
	return legacyscheme.Scheme.Convert(external, object, nil)
}

func judgePod(text string) (field.ErrorList, error) {
	var external corev1.Pod
	var object core.Pod
	if err := internal(text, &external, &object, &external.ObjectMeta); err != nil {
		return nil, err
	}
	pod.Strategy.PrepareForCreate(context.Background(), &object)
	return pod.Strategy.Validate(context.Background(), &object), nil
}

func judgeJob(text string) (field.ErrorList, error) {
	var external batchv1.Job
	var object batch.Job
	if err := internal(text, &external, &object, &external.ObjectMeta); err != nil {
		return nil, err
	}
	object.UID = "00000000-0000-0000-0000-000000000000"
	job.Strategy.PrepareForCreate(context.Background(), &object)
	return job.Strategy.Validate(context.Background(), &object), nil
}

func judgeService(text string) (field.ErrorList, error) {
	var external corev1.Service
	var object core.Service
	if err := internal(text, &external, &object, &external.ObjectMeta); err != nil {
		return nil, err
	}
	// As the registry, before the validation.
	if object.Spec.ClusterIP != "" && len(object.Spec.ClusterIPs) == 0 {
		object.Spec.ClusterIPs = []string{object.Spec.ClusterIP}
	}
	return corevalidation.ValidateServiceCreate(&object), nil
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, "pods:", message)
	os.Exit(1)
}
