package infra

import (
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
)

// nastyTexts mean something to at least one reader.
var nastyTexts = []string{"", " ", "plain", nastyLocation, nastyValue, "-n", "~", "a b", "#", "*", "null", "{{.Name}}", "\x01\x7f\u2028\ufeff", "$$", "$${x}", "%%{x}", `\u0041`, "!", "'", "''"}

func TestQuotedIsReadBack(t *testing.T) {
	for _, want := range nastyTexts {
		var fromYAML, fromJSON string
		if err := yaml.Unmarshal([]byte(quoted(want)), &fromYAML); err != nil || fromYAML != want {
			t.Errorf("YAML reads %s as %q (%v), want %q", quoted(want), fromYAML, err, want)
		}
		if err := json.Unmarshal([]byte(quoted(want)), &fromJSON); err != nil || fromJSON != want {
			t.Errorf("JSON reads %s as %q (%v), want %q", quoted(want), fromJSON, err, want)
		}
	}
}

// TestQuotedHCL undoes what HCL does: no template is left, and what was doubled
// becomes single.
func TestQuotedHCL(t *testing.T) {
	opens := regexp.MustCompile(`[$%]+\{`)
	for _, want := range nastyTexts {
		q := quotedHCL(want)
		for _, o := range opens.FindAllString(q, -1) {
			if len(o) < 3 {
				t.Errorf("%s opens a template", q)
			}
		}
		var got string
		if err := json.Unmarshal([]byte(strings.NewReplacer("$${", "${", "%%{", "%{").Replace(q)), &got); err != nil || got != want {
			t.Errorf("HCL reads %s as %q (%v), want %q", q, got, err, want)
		}
	}
}

// TestQuotedPod undoes what the kubelet does with references to variables.
func TestQuotedPod(t *testing.T) {
	for _, want := range nastyTexts {
		var text string
		if err := yaml.Unmarshal([]byte(quotedPod(want)), &text); err != nil {
			t.Fatal(err)
		}
		if rest := strings.ReplaceAll(text, "$$", ""); strings.Contains(rest, "$") {
			t.Errorf("%q has a dollar sign that is not doubled", text)
		}
		if got := strings.ReplaceAll(text, "$$", "$"); got != want {
			t.Errorf("a container sees %q, want %q", got, want)
		}
	}
}

func TestQuotedShell(t *testing.T) {
	for _, shell := range []string{"sh", "bash"} {
		out, err := exec.CommandContext(t.Context(), shell, "-c", `printf '%s\0' `+shellWords(nastyTexts)).Output()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(nastyTexts, strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00")); d != "" {
			t.Errorf("words that %s reads (-want +got):\n%s", shell, d)
		}
	}
}

func TestNastyTextsReachTheContainer(t *testing.T) {
	var s stack
	decode(t, file(t, CloudFormation, nasty(t), "template.yaml"), &s)
	c := s.Resources.CompactJob.Properties.ContainerProperties
	if got := c.Command[len(c.Command)-1]; got != nastyLocation {
		t.Errorf("the stack runs %q, want %q", got, nastyLocation)
	}
	if got := c.Environment[1].Value; got != nastyValue {
		t.Errorf("the stack sets %q, want %q", got, nastyValue)
	}
	var pod struct {
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Args []string
						Env  []struct{ Name, Value string }
					}
				}
			}
		}
	}
	decode(t, file(t, Kubernetes, nasty(t), "convert.yaml"), &pod)
	container := pod.Spec.Template.Spec.Containers[0]
	if got := strings.ReplaceAll(container.Args[len(container.Args)-1], "$$", "$"); got != nastyLocation {
		t.Errorf("the pod runs %q, want %q", got, nastyLocation)
	}
	if got := strings.ReplaceAll(container.Env[2].Value, "$$", "$"); got != nastyValue {
		t.Errorf("the pod sets %q, want %q", got, nastyValue)
	}
}
