package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
)

// machine is what the numbers depend on besides the code.
type machine struct {
	Date     string   `json:"date"`
	CPU      string   `json:"cpu"`
	Cores    int      `json:"cores"`
	MemoryGB int      `json:"memory_gib"`
	Kernel   string   `json:"kernel"`
	Go       string   `json:"go"`
	Versions []string `json:"versions"` // of s3compact and the peers
	Load     string   `json:"load"`     // averages before the first run: more than 0.2 or so means that others worked too
}

func describeMachine(ctx context.Context, s3compact string) machine {
	m := machine{
		Date: time.Now().UTC().Format("2006-01-02"), CPU: "unknown", Cores: runtime.NumCPU(),
		Go: strings.TrimPrefix(runtime.Version(), "go") + " " + runtime.GOOS + "/" + runtime.GOARCH,
	}
	if v := fieldOf("/proc/cpuinfo", "model name"); v != "" {
		m.CPU = v
		if f, n := fieldOf("/proc/cpuinfo", "cpu family"), fieldOf("/proc/cpuinfo", "model"); f != "" {
			m.CPU += " (family " + f + ", model " + n + ")"
		}
	}
	if kib, _, ok := strings.Cut(fieldOf("/proc/meminfo", "MemTotal"), " "); ok {
		n, _ := strconv.Atoi(kib)
		m.MemoryGB = (n + 1<<19) >> 20
	}
	m.Kernel = orUnknown(output(ctx, "uname", "-sr"))
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		m.Load = strings.Join(strings.Fields(string(b))[:3], " ")
	}
	m.Versions = append(m.Versions, "s3compact "+orUnknown(output(ctx, s3compact, "--version")))
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/klauspost/compress" {
				m.Versions = append(m.Versions, d.Path+" "+strings.TrimPrefix(d.Version, "v"))
			}
		}
	}
	for _, l := range cInflaters {
		program, err := l.make(ctx)
		if err != nil {
			continue
		}
		v := l.name + ": " + orUnknown(output(ctx, program, "version"))
		debs, _ := filepath.Glob(filepath.Join(filepath.Dir(program), "*.deb"))
		for _, d := range debs {
			name, rest, _ := strings.Cut(strings.TrimSuffix(filepath.Base(d), ".deb"), "_")
			v += ", " + name + " " + strings.ReplaceAll(rest, "%3a", ":")
		}
		m.Versions = append(m.Versions, v)
	}
	if py, err := python(ctx); err == nil {
		out, err := output(ctx, py, "-c", queryProgram, "versions")
		if err == nil {
			m.Versions = append(m.Versions, strings.Split(strings.TrimSpace(out), "\n")...)
		}
	}
	for line := range strings.Lines(string(convertRequirements)) {
		name, version, _ := strings.Cut(strings.TrimSpace(line), "==")
		if name == "polars" || name == "pyspark" {
			m.Versions = append(m.Versions, name+" "+version)
		}
	}
	return m
}

// fieldOf is the value of the first line "name : value" of a file.
func fieldOf(file, name string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func orUnknown(s string, err error) string {
	if s = strings.TrimSpace(s); err != nil || s == "" {
		return "unknown"
	}
	return strings.TrimPrefix(s, "s3compact version ")
}

// output is a program's standard output.
func output(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	return string(out), err
}
