package main

import (
	"regexp"
	"testing"
)

func TestPassesOver(t *testing.T) {
	for _, tt := range []struct {
		only, section string
		passes        bool
	}{
		{"", "orc", false},
		{"^convert", "orc", true},
		{"^convert", "convert", false},
		{"^convert: 4211", "inflate", true},
		{"^comp", "compact", false},
		{"^compact-wall", "compact", false},
		{"^orc|^convert", "convert", false},
		{"^o?rc", "orc", false},
		{"convert", "orc", false},
		{"^(orc|large)", "large", false},
		{"^orc", "large", true},
	} {
		b := &bench{only: regexp.MustCompile(tt.only)}
		if got := b.passesOver(tt.section); got != tt.passes {
			t.Errorf("-only %s passes over %s: %t", tt.only, tt.section, got)
		}
	}
}
