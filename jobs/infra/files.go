package infra

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"text/template"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/batch/types"

	"github.com/s3compact/s3compact/jobs"
)

// File is one of the files, for a folder of its own.
type File struct {
	Name       string // without a folder
	Executable bool
	Content    []byte
}

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"yaml":      quoted,
	"yamlList":  func(all []string) string { return list(quoted, all) },
	"hcl":       quotedHCL,
	"hclList":   func(all []string) string { return list(quotedHCL, all) },
	"pod":       quotedPod,
	"podList":   func(all []string) string { return list(quotedPod, all) },
	"shell":     quotedShell,
	"shellLine": shellWords,
	"seconds":   func(d time.Duration) int { return int(d / time.Second) },
	"clock":     clock,
	"minus":     func(a, b int) int { return a - b },
}).ParseFS(templateFiles, "templates/*.tmpl"))

// view is what the templates see.
type view struct {
	Request
	Name     string
	Steps    []step
	First    string
	Fargate  bool
	Rules    []rule
	CPUs     int // whole ones
	MaxVCPUs int
	Step     step // where a file is about one
}

// rule says what follows an attempt that ended in a way. It has one condition.
type rule struct{ Action, StatusReason, Reason, ExitCode string }

// rulesOf are the rules by which the jobs of submit are tried again.
func rulesOf(s *types.RetryStrategy) (rules []rule) {
	for _, r := range s.EvaluateOnExit {
		rules = append(rules, rule{string(r.Action), aws.ToString(r.OnStatusReason), aws.ToString(r.OnReason), aws.ToString(r.OnExitCode)})
	}
	return rules
}

// Files makes the files of a format, in the order of their use. The policy that
// Kubernetes and Slurm are given has no comment, since JSON has none; all other
// files begin with what they are and how to apply and remove them.
func Files(f Format, r Request) ([]File, error) {
	if err := r.validate(f); err != nil {
		return nil, err
	}
	v := view{
		Request: r, Name: r.Pipeline.Name, Steps: r.steps(),
		Fargate:  r.Job.Container.Platform == jobs.PlatformFargate,
		Rules:    rulesOf(jobs.RetryStrategy(r.Job.Container.Platform, r.Job.Attempts)),
		CPUs:     r.wholeCPUs(),
		MaxVCPUs: min(maxVCPUs, r.wholeCPUs()*r.Job.ArraySize),
	}
	v.First = v.Steps[0].Name
	switch f {
	case CloudFormation:
		return v.render(output{"cloudformation.yaml", "template.yaml", false, v.Step})
	case Terraform:
		return v.render(output{"terraform.tf", "main.tf", false, v.Step})
	case Kubernetes:
		outputs := []output{{"kubernetes-account.yaml", "serviceaccount.yaml", false, v.Step}}
		for _, s := range v.Steps {
			outputs = append(outputs, output{"kubernetes-job.yaml", s.Name + ".yaml", false, s})
		}
		return v.withPolicy(append(outputs, output{"kubernetes-run.sh", "run.sh", true, v.Step}))
	default:
		var outputs []output
		for _, s := range v.Steps {
			outputs = append(outputs, output{"slurm-job.sh", s.Name + ".sbatch", false, s})
		}
		return v.withPolicy(append(outputs, output{"slurm-submit.sh", "submit.sh", true, v.Step}))
	}
}

// Sets says whether the user sets a variable of the container.
func (v view) Sets(name string) bool {
	return slices.ContainsFunc(v.Job.Environment, func(e jobs.Variable) bool { return e.Name == name })
}

// RolePrefix begins the names of Terraform's roles, in which AWS allows 64
// characters with the 26 that Terraform adds.
func (v view) RolePrefix() string { return v.Name[:min(len(v.Name), 37)] + "-" }

// DiskGiB is an instance's disk for its system, images and one job's scratch.
func (v view) DiskGiB() int { return 30 + v.ScratchGiB }

// maxVCPUs bounds what a stack runs at once unless its parameter says otherwise.
const maxVCPUs = 256

// output is a file that a template makes.
type output struct {
	template, name string
	executable     bool
	step           step
}

func (v view) render(outputs ...output) ([]File, error) {
	var files []File
	for _, o := range outputs {
		v.Step = o.step
		var b bytes.Buffer
		if err := templates.ExecuteTemplate(&b, o.template+".tmpl", v); err != nil {
			return nil, fmt.Errorf("write %s: %w", o.name, err)
		}
		files = append(files, File{o.name, o.executable, b.Bytes()})
	}
	return files, nil
}

// withPolicy adds what the steps must be allowed where they run.
func (v view) withPolicy(outputs []output) ([]File, error) {
	files, err := v.render(outputs...)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(struct {
		Version   string
		Statement []Statement
	}{"2012-10-17", v.Permissions}); err != nil {
		return nil, fmt.Errorf("write policy.json: %w", err)
	}
	return append(files, File{Name: "policy.json", Content: b.Bytes()}), nil
}

// clock is a duration as Slurm reads it, hours:minutes:seconds.
// Source: sbatch, "--time".
func clock(d time.Duration) string {
	return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}
