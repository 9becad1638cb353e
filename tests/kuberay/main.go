// What KubeRay's own Go code says: its validators, its hash of a RayCluster's spec, and the readers of schedules, time zones
// and durations that it uses.
//
// Usage: kuberay MODE, one of those below. Each line on standard input is one JSON string; each line on standard output is one JSON
// object with the answer, in the same order. The string of the modes validate, submitter and build is the JSON of an object, that
// of the mode hash the JSON of a RayCluster's spec, that of the mode canonical the JSON of a list of what KubeRay posts.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
	_ "time/tzdata"

	rayv1 "github.com/ray-project/kuberay/ray-operator/apis/ray/v1"
	"github.com/ray-project/kuberay/ray-operator/controllers/ray/common"
	"github.com/ray-project/kuberay/ray-operator/controllers/ray/utils"
	"github.com/robfig/cron/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

var modes = map[string]func(string) any{
	"validate":  validate,
	"hash":      hash,
	"schedule":  schedule,
	"zone":      zone,
	"duration":  duration,
	"timeout":   timeout,
	"yaml":      readYAML,
	"submitter": submitter,
	"build":     build,
	"canonical": canonical,
}

func main() {
	if len(os.Args) != 2 || modes[os.Args[1]] == nil {
		fail("usage: kuberay validate|hash|schedule|zone|duration|timeout|yaml|submitter|build|canonical")
	}
	answer := modes[os.Args[1]]
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

// verdict has the first error of the validators, or says that the object cannot be decoded or that they panic on it.
type verdict struct {
	OK          bool   `json:"ok"`
	Error       string `json:"error,omitempty"`
	Undecodable bool   `json:"undecodable,omitempty"`
	Panic       bool   `json:"panic,omitempty"`
}

// validate calls the validators as the reconcilers do, in their order.
func validate(text string) (answer any) {
	defer func() {
		if reason := recover(); reason != nil {
			answer = verdict{Panic: true, Error: fmt.Sprint(reason)}
		}
	}()
	var kind metav1.TypeMeta
	if err := json.Unmarshal([]byte(text), &kind); err != nil {
		return verdict{Undecodable: true, Error: err.Error()}
	}
	switch kind.Kind {
	case "RayCluster":
		var object rayv1.RayCluster
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return verdict{Undecodable: true, Error: err.Error()}
		}
		return first(
			func() error { return utils.ValidateRayClusterMetadata(object.ObjectMeta) },
			func() error { return utils.ValidateRayClusterSpec(&object.Spec, object.Annotations) },
			func() error { return utils.ValidateRayClusterUpgradeOptions(&object) },
			func() error { return utils.ValidateRayClusterStatus(&object) },
		)
	case "RayJob":
		var object rayv1.RayJob
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return verdict{Undecodable: true, Error: err.Error()}
		}
		return first(
			func() error { return utils.ValidateRayJobMetadata(object.ObjectMeta) },
			func() error { return utils.ValidateRayJobSpec(&object) },
			func() error { return utils.ValidateRayJobStatus(&object) },
		)
	case "RayService":
		var object rayv1.RayService
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return verdict{Undecodable: true, Error: err.Error()}
		}
		return first(
			func() error { return utils.ValidateRayServiceMetadata(object.ObjectMeta) },
			func() error { return utils.ValidateRayServiceSpec(&object) },
		)
	case "RayCronJob":
		var object rayv1.RayCronJob
		if err := json.Unmarshal([]byte(text), &object); err != nil {
			return verdict{Undecodable: true, Error: err.Error()}
		}
		return first(func() error { return utils.ValidateRayCronJobSpec(&object) })
	}
	return verdict{Undecodable: true, Error: "unknown kind " + kind.Kind}
}

func first(validators ...func() error) any {
	for _, validator := range validators {
		if err := validator(); err != nil {
			return verdict{Error: err.Error()}
		}
	}
	return verdict{OK: true}
}

// hash answers with the hash that decides whether a RayService gets a new RayCluster.
func hash(text string) any {
	var spec rayv1.RayClusterSpec
	if err := json.Unmarshal([]byte(text), &spec); err != nil {
		return map[string]string{"error": err.Error()}
	}
	hash, err := utils.GenerateHashWithoutReplicasAndWorkersToDelete(spec)
	if err != nil {
		return map[string]string{"error": err.Error()}
	}
	return map[string]string{"hash": hash}
}

// scheduleAnswer has the bits of each field, or the seconds of an interval, and whether no time ever matches.
type scheduleAnswer struct {
	OK     bool     `json:"ok"`
	Error  string   `json:"error"`
	Fields []uint64 `json:"fields"`
	Every  *int64   `json:"every"`
	Never  bool     `json:"never"`
}

func schedule(text string) (answer any) {
	// A text such as `TZ=x` without a space makes the parser slice with a negative index.
	defer func() {
		if reason := recover(); reason != nil {
			answer = scheduleAnswer{Error: fmt.Sprint(reason)}
		}
	}()
	parsed, err := cron.ParseStandard(text)
	if err != nil {
		return scheduleAnswer{Error: err.Error()}
	}
	switch parsed := parsed.(type) {
	case *cron.SpecSchedule:
		fields := []uint64{parsed.Minute, parsed.Hour, parsed.Dom, parsed.Month, parsed.Dow}
		// The parser looks five years ahead: from here, they have a 29th of February.
		never := parsed.Next(time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC)).IsZero()
		return scheduleAnswer{OK: true, Fields: fields, Never: never}
	case cron.ConstantDelaySchedule:
		seconds := int64(parsed.Delay / time.Second)
		return scheduleAnswer{OK: true, Every: &seconds}
	}
	return scheduleAnswer{Error: "an unknown type of schedule"}
}

func zone(text string) any {
	_, err := time.LoadLocation(text)
	return map[string]bool{"ok": err == nil}
}

func duration(text string) any {
	parsed, err := time.ParseDuration(text)
	return map[string]any{"ok": err == nil, "nanoseconds": int64(parsed)}
}

// timeout says whether a RayService may have the text as its annotation ray.io/initializing-timeout.
func timeout(text string) any {
	metadata := metav1.ObjectMeta{
		Name:        "service",
		Annotations: map[string]string{utils.RayServiceInitializingTimeoutAnnotation: text},
	}
	return map[string]bool{"ok": utils.ValidateRayServiceMetadata(metadata) == nil}
}

// readYAML answers with what KubeRay makes of a serveConfigV2: a mapping or null.
func readYAML(text string) any {
	config := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &config); err != nil {
		return map[string]any{"ok": false, "error": err.Error()}
	}
	return map[string]any{"ok": true, "value": config}
}

// submitter answers with the template of the pod that submits a job, without what both kinds of templates get after it.
func submitter(text string) any {
	var job rayv1.RayJob
	if err := json.Unmarshal([]byte(text), &job); err != nil {
		return map[string]any{"error": err.Error()}
	}
	return map[string]any{"template": common.GetSubmitterTemplate(&job.Spec, job.Spec.RayClusterSpec)}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, "kuberay:", message)
	os.Exit(1)
}
