package main

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/json"
)

type podSecurityAnswer struct {
	// Decoded is false for a pod that no typed client can read.
	Decoded    bool        `json:"decoded"`
	Violations []violation `json:"violations"`
}

// violation is what one control of the Pod Security Standards says about a pod.
type violation struct {
	Control string `json:"control"`
	Detail  string `json:"detail"`
}

// podSecurity answers with the controls that a pod violates. The text is the JSON of a level, a version and a pod template.
func podSecurity() func(string) any {
	failed := []violation{}
	checks := policy.DefaultChecks()
	for _, check := range checks {
		for index := range check.Versions {
			run := check.Versions[index].CheckPod
			check.Versions[index].CheckPod = func(metadata *metav1.ObjectMeta, spec *corev1.PodSpec) policy.CheckResult {
				result := run(metadata, spec)
				if !result.Allowed {
					failed = append(failed, violation{string(check.ID), result.ForbiddenDetail})
				}
				return result
			}
		}
	}
	evaluator, err := policy.NewEvaluator(checks, nil)
	if err != nil {
		fail(err.Error())
	}
	return func(text string) any {
		var request struct {
			Level   string                 `json:"level"`
			Version string                 `json:"version"`
			Pod     corev1.PodTemplateSpec `json:"pod"`
		}
		if err := json.UnmarshalCaseSensitivePreserveInts([]byte(text), &request); err != nil {
			return podSecurityAnswer{}
		}
		level, err := api.ParseLevel(request.Level)
		if err != nil {
			fail(err.Error())
		}
		version, err := api.ParseVersion(request.Version)
		if err != nil {
			fail(err.Error())
		}
		spec := &request.Pod.Spec
		for index := range spec.Volumes {
			// The default of k8s.io/kubernetes/pkg/apis/core/v1/defaults.go, a module too large to depend on.
			if source := &spec.Volumes[index].VolumeSource; *source == (corev1.VolumeSource{}) {
				source.EmptyDir = &corev1.EmptyDirVolumeSource{}
			}
		}
		failed = []violation{}
		evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: version}, &request.Pod.ObjectMeta, spec)
		return podSecurityAnswer{Decoded: true, Violations: failed}
	}
}
