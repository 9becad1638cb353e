// Reference answers for the differential tests: what Kubernetes' own Go code says about a string.
//
// Usage: reference quantity|names|image|pod|pod-security. The string of the mode pod is the JSON of a pod's spec, that of
// pod-security the JSON of a profile and a pod template. Each line on standard input is one JSON string; each line on
// standard output is one JSON object with the answers for it, in the same order.
package main

import (
	"bufio"
	_ "crypto/sha256" // go-digest accepts only algorithms that are linked in
	_ "crypto/sha512"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/distribution/reference"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	resourcehelper "k8s.io/component-helpers/resource"
)

func main() {
	if len(os.Args) != 2 {
		fail("usage: reference quantity|names|image|pod|pod-security")
	}
	switch os.Args[1] {
	case "quantity":
		var previous *resource.Quantity
		answerLines(func(text string) any {
			answer, parsed := quantity(text, previous)
			previous = parsed
			return answer
		})
	case "names":
		answerLines(names)
	case "image":
		answerLines(image)
	case "pod":
		answerLines(pod)
	case "pod-security":
		answerLines(podSecurity())
	default:
		fail("unknown mode " + os.Args[1])
	}
}

func answerLines(answer func(string) any) {
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
		if err := encoder.Encode(answer(text)); err != nil {
			fail(err.Error())
		}
	}
	if err := out.Flush(); err != nil {
		fail(err.Error())
	}
}

type quantityAnswer struct {
	OK        bool   `json:"ok"`
	Canonical string `json:"canonical"`
	Sign      int    `json:"sign"`
	// Value and Milli are absent where Go would need gigabytes or minutes to compute them.
	Value *int64 `json:"value"`
	Milli *int64 `json:"milli"`
	// Cmp and Sum relate the quantity of the line before to this one, where both are of ordinary size.
	Cmp *int    `json:"cmp"`
	Sum *string `json:"sum"`
}

func quantity(text string, previous *resource.Quantity) (quantityAnswer, *resource.Quantity) {
	parsed, err := resource.ParseQuantity(text)
	if err != nil {
		return quantityAnswer{}, nil
	}
	answer := quantityAnswer{OK: true, Sign: parsed.Sign()}
	// A copy, because String keeps its result inside the quantity.
	printed := parsed.DeepCopy()
	answer.Canonical = printed.String()
	if ordinary(parsed) {
		value, milli := parsed.Value(), parsed.MilliValue()
		answer.Value, answer.Milli = &value, &milli
		if previous != nil && ordinary(*previous) {
			// Copies again: Cmp and Add may change the representation of their receiver.
			left := previous.DeepCopy()
			order := left.Cmp(parsed.DeepCopy())
			sum := previous.DeepCopy()
			sum.Add(parsed.DeepCopy())
			text := sum.String()
			answer.Cmp, answer.Sum = &order, &text
		}
	}
	return answer, &parsed
}

// ordinary is false for exponents that Go's big decimals would write out digit by digit.
func ordinary(q resource.Quantity) bool {
	decimal := q.DeepCopy()
	scale := decimal.AsDec().Scale()
	return scale > -10000 && scale < 10000
}

type namesAnswer struct {
	Label     bool `json:"label"`
	Subdomain bool `json:"subdomain"`
	Label1035 bool `json:"label1035"`
	Key       bool `json:"key"`
	Value     bool `json:"value"`
	Native    bool `json:"native"`
	Extended  bool `json:"extended"`
}

func names(text string) any {
	return namesAnswer{
		Label:     len(validation.IsDNS1123Label(text)) == 0,
		Subdomain: len(validation.IsDNS1123Subdomain(text)) == 0,
		Label1035: len(validation.IsDNS1035Label(text)) == 0,
		Key:       len(validation.IsQualifiedName(text)) == 0,
		Value:     len(validation.IsValidLabelValue(text)) == 0,
		Native:    native(text),
		Extended:  extended(text),
	}
}

// native and extended state the rules of k8s.io/kubernetes/pkg/apis/core/v1/helper, a module too large to depend on.
func native(name string) bool {
	return !strings.Contains(name, "/") || strings.Contains(name, "kubernetes.io/")
}

func extended(name string) bool {
	const quotaPrefix = "requests."
	return !native(name) && !strings.HasPrefix(name, quotaPrefix) &&
		len(validation.IsQualifiedName(quotaPrefix+name)) == 0
}

type imageAnswer struct {
	OK         bool   `json:"ok"`
	Registry   string `json:"registry"`
	Repository string `json:"repository"`
	Tag        string `json:"tag"`
	Digest     string `json:"digest"`
}

func image(text string) any {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return imageAnswer{}
	}
	answer := imageAnswer{OK: true, Registry: reference.Domain(named), Repository: reference.Path(named)}
	if tagged, ok := named.(reference.Tagged); ok {
		answer.Tag = tagged.Tag()
	}
	if digested, ok := named.(reference.Digested); ok {
		answer.Digest = digested.Digest().String()
	}
	return answer
}

// podAnswer holds what the scheduler reserves for a pod and what the pod may use, by resource.
type podAnswer struct {
	Requests map[string]string `json:"requests"`
	Limits   map[string]string `json:"limits"`
}

func pod(text string) any {
	var pod corev1.Pod
	if err := json.Unmarshal([]byte(text), &pod.Spec); err != nil {
		fail(err.Error())
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for index := range list {
			resources := &list[index].Resources
			resources.Requests = defaulted(resources.Requests, resources.Limits, everything)
		}
	}
	if level := pod.Spec.Resources; level != nil && len(level.Limits) > 0 {
		containers := resourcehelper.AggregateContainerRequests(&pod, resourcehelper.PodResourcesOptions{})
		overcommitted := func(name corev1.ResourceName) bool {
			return resourcehelper.IsSupportedPodLevelResource(name) && !strings.HasPrefix(string(name), corev1.ResourceHugePagesPrefix)
		}
		level.Requests = defaulted(level.Requests, containers, overcommitted)
		level.Requests = defaulted(level.Requests, level.Limits, resourcehelper.IsSupportedPodLevelResource)
	}
	return podAnswer{
		Requests: printed(resourcehelper.PodRequests(&pod, resourcehelper.PodResourcesOptions{})),
		Limits:   printed(resourcehelper.PodLimits(&pod, resourcehelper.PodResourcesOptions{})),
	}
}

func printed(list corev1.ResourceList) map[string]string {
	all := map[string]string{}
	for name, quantity := range list {
		all[string(name)] = quantity.String()
	}
	return all
}

// defaulted states the rule of k8s.io/kubernetes/pkg/apis/core/v1/defaults.go, a module too large to depend on: what is
// not requested is taken from another list.
func defaulted(requests, from corev1.ResourceList, fits func(corev1.ResourceName) bool) corev1.ResourceList {
	all := corev1.ResourceList{}
	for name, quantity := range from {
		if fits(name) {
			all[name] = quantity
		}
	}
	for name, quantity := range requests {
		all[name] = quantity
	}
	return all
}

func everything(corev1.ResourceName) bool { return true }

func fail(message string) {
	fmt.Fprintln(os.Stderr, "reference:", message)
	os.Exit(1)
}
