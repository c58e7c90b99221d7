package main

import (
	"strings"
	"testing"
	"time"
)

// TestSummaryTellsWhatTheRunTook: the counts of a run are what it must have sent at least.
func TestSummaryTellsWhatTheRunTook(t *testing.T) {
	l := newLake(t)
	r := s3compact("compact", "s3://"+l.bucket+"/", "--yes", "--min-age", "0d", "--output", "json")
	s := r.summary(t)
	number := func(name string) float64 {
		n, ok := s[name].(float64)
		if !ok {
			t.Errorf("%s is %v", name, s[name])
		}
		return n
	}
	if read, in := number("bytes_read"), number("bytes_in"); read < in || in == 0 {
		t.Errorf("%v bytes read for %v that were joined", read, in)
	}
	if written, out := number("bytes_written"), number("bytes_out"); written < out || out == 0 {
		t.Errorf("%v bytes written for %v of outputs", written, out)
	}
	if requests := s["requests"].(map[string]any); requests["get"].(float64) < number("objects_in") {
		t.Errorf("%v for %v objects", requests, number("objects_in"))
	}
	if number("retries") != 0 || number("throttles") != 0 || number("waited_seconds") < 0 || number("cost_usd") <= 0 || number("seconds") <= 0 {
		t.Errorf("%v", s)
	}
	text := s3compact("verify", "--state", "s3://"+l.bucket+"/_s3compact/")
	if text.code != exitDone || !strings.Contains(text.stdout, "$0.0") {
		t.Errorf("%+v", text)
	}
}

func TestSpentInWords(t *testing.T) {
	s := spent{BytesRead: 3 << 20, BytesWritten: 1 << 10, CostUSD: 0.5, Seconds: 2.5}
	s.Requests.Get = 12
	if got, want := s.String(), "12 requests (12 GET, 0 PUT, 0 LIST, 0 HEAD, 0 DELETE), read 3.0 MiB, wrote 1.0 KiB, $0.5000, 2.50 s"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for usd, want := range map[float64]string{0: " $0.0000,", 0.0000004: " < $0.0001,", 0.00005: " $0.0001,", 12.8: " $12.8000,"} {
		if s.CostUSD = usd; !strings.Contains(s.String(), want) {
			t.Errorf("%g is told as %s", usd, s)
		}
	}
	s.Retries, s.Throttles, s.WaitedSeconds = 3, 2, seconds(1500*time.Millisecond)
	if got := s.String(); !strings.HasSuffix(got, "\n3 of the requests were sent again, 2 because S3 was busy; requests waited 1.50 s, all together") {
		t.Errorf("%s", got)
	}
}
