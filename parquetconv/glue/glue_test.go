package glue

import "testing"

func TestTargets(t *testing.T) {
	if got, err := ParseTarget("glue://logs/requests"); err != nil || got != (Target{"logs", "requests"}) || got.String() != "glue://logs/requests" {
		t.Errorf("%+v, %v", got, err)
	}
	for _, s := range []string{"", "logs/requests", "glue://", "glue://logs", "glue://logs/", "glue:///t", "glue://a/b/c"} {
		if got, err := ParseTarget(s); err == nil {
			t.Errorf("%q: %+v", s, got)
		}
	}
}

func TestValuesOfFolders(t *testing.T) {
	if got, err := valuesOf("dt=2026-01-02/app=a%2Fb"); err != nil || len(got) != 2 || got[0] != "2026-01-02" || got[1] != "a/b" {
		t.Errorf("%q, %v", got, err)
	}
	for _, s := range []string{"", "dt", "dt=1/x", "dt=%zz"} {
		if got, err := valuesOf(s); err == nil {
			t.Errorf("%q: %q", s, got)
		}
	}
}
