package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for _, tt := range []struct {
		s    string
		want time.Duration
		ok   bool
	}{
		{"0", 0, true},
		{"0s", 0, true},
		{"90m", 90 * time.Minute, true},
		{"1h30m", 90 * time.Minute, true},
		{"1d", day, true},
		{"0d", 0, true},
		{"2w", 14 * day, true},
		{"1w2d3h", 9*day + 3*time.Hour, true},
		{"1d12h30s", day + 12*time.Hour + 30*time.Second, true},
		{"-1h", -time.Hour, true}, // each flag says what it takes
		{"", 0, false},
		{"d", 0, false},
		{"1", 0, false},
		{"-1d", 0, false},
		{"1d-1h", 0, false},
		{"1d1d", 0, false},
		{"1d1w", 0, false},
		{"1.5d", 0, false},
		{"1 d", 0, false},
		{"1d12", 0, false},
		{"soon", 0, false},
		{"99999d", 0, false},
		{"99999999999d", 0, false},
		{"36500d", 36500 * day, true},
	} {
		got, err := parseDuration(tt.s)
		if got != tt.want || (err == nil) != tt.ok {
			t.Errorf("%q: %s, %v", tt.s, got, err)
		}
	}
}

// TestDeadlineForms: a duration or a time; what is neither is told at once.
func TestDeadlineForms(t *testing.T) {
	for _, tt := range []struct {
		value, want string
		code        int
	}{
		{"soon", "--deadline", exitUsage},
		{"-5m", "--deadline", exitUsage},
		{"2026-01-31 06:00", "--deadline", exitUsage},
		{"2026-01-31T06:00:00", "--deadline", exitUsage}, // no zone
		{"2020-01-31T06:00:00Z", "stopped by --deadline", exitResumable},
		{"2020-01-31T06:00:00+02:00", "stopped by --deadline", exitResumable},
	} {
		for _, command := range [][]string{
			{"compact", "s3://bucket/p/", "--yes"}, {"convert", "--to", "s3://bucket/t/", "--schema", "s3://bucket/s.yaml", "s3://bucket/p/"},
			{"verify", "--state", "s3://bucket/_s3compact/"},
		} {
			t.Setenv("AWS_ACCESS_KEY_ID", "id")
			t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
			r := s3compact(append(command, "--endpoint-url", "http://127.0.0.1:1", "--deadline", tt.value)...)
			if r.code != tt.code || !strings.Contains(r.stderr, tt.want) {
				t.Errorf("%s --deadline %s: exit %d: %s", command[0], tt.value, r.code, r.stderr)
			}
		}
	}
}
