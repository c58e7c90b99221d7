package main

import (
	"strings"
	"testing"
)

func TestSlips(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"verify", "verify", 0}, {"verfy", "verify", 1}, {"verifyy", "verify", 1}, {"verufy", "verify", 1},
		{"veriyf", "verify", 1}, {"", "abc", 3}, {"abc", "", 3}, {"comapct", "compact", 1}, {"convert", "compact", 4}, {"ca", "abc", 3},
	} {
		if got := slips(tt.a, tt.b); got != tt.want {
			t.Errorf("%s, %s: %d, want %d", tt.a, tt.b, got, tt.want)
		}
		if got := slips(tt.b, tt.a); got != tt.want {
			t.Errorf("%s, %s: %d, want %d", tt.b, tt.a, got, tt.want)
		}
	}
}

func TestMisspeltWordsGetAHint(t *testing.T) {
	for _, tt := range []struct {
		args []string
		hint string // "" for none
	}{
		{[]string{"comapct", "s3://b/p/"}, "did you mean compact?"},
		{[]string{"hotspot"}, "did you mean hotspots?"},
		{[]string{"Verify"}, "did you mean verify?"},
		{[]string{"frobnicate"}, ""},
		{[]string{"x"}, ""},
		{[]string{"compact", "s3://b/p/", "--dryrun"}, "did you mean --dry-run?"},
		{[]string{"compact", "s3://b/p/", "--min-object=3"}, "did you mean --min-objects?"},
		{[]string{"convert", "--ouptut", "json"}, "did you mean --output?"},
		{[]string{"compact", "--frobnicate"}, ""},
	} {
		r := s3compact(tt.args...)
		if r.code != exitUsage || !strings.Contains(r.stderr, "unknown") {
			t.Errorf("%v: %+v", tt.args, r)
		}
		if tt.hint == "" && strings.Contains(r.stderr, "did you mean") || !strings.Contains(r.stderr, tt.hint) {
			t.Errorf("%v: %s", tt.args, r.stderr)
		}
	}
}
