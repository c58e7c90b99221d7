package s3store

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const listHead = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`

func TestParseList(t *testing.T) {
	at := time.Date(2026, 10, 4, 1, 2, 3, 4e6, time.UTC)
	for _, tc := range []struct {
		name, body string
		want       listAnswer
	}{
		{"as S3 writes it", listHead + `<Name>b</Name><Prefix>a%2F</Prefix><StartAfter></StartAfter><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>` +
			`<IsTruncated>true</IsTruncated><NextContinuationToken>1a&#43;/=</NextContinuationToken>` +
			`<Contents><Key>a%2Fb+c%25%0A%C3%BC</Key><LastModified>2026-10-04T01:02:03.004Z</LastModified><ETag>&quot;d41d-2&quot;</ETag><ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><Size>9223372036854775807</Size><StorageClass>GLACIER_IR</StorageClass></Contents>` +
			`<Contents><Key>a%2Fc</Key><LastModified>2026-10-04T01:02:03.004Z</LastModified><ETag>"x"</ETag><Size>0</Size><Owner><ID>me</ID><DisplayName/></Owner><StorageClass>GLACIER_IR</StorageClass><RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress></RestoreStatus></Contents>` +
			`<CommonPrefixes><Prefix>a%2Fd%2F</Prefix></CommonPrefixes></ListBucketResult>`,
			listAnswer{truncated: true, token: "1a+/=", page: Page{More: true, Prefixes: []string{"a/d/"}, Objects: []Object{
				{Key: "a/b c%\nü", SizeBytes: 1<<63 - 1, ETag: "d41d-2", LastModified: at, StorageClass: "GLACIER_IR"},
				{Key: "a/c", ETag: "x", LastModified: at, StorageClass: "GLACIER_IR"},
			}}}},
		{"not encoded, indented, encoding said last", "\ufeff<!-- c --><s3:ListBucketResult\n a='>' b=\"/\" >\r\n <s3:Contents >\n<s3:Key>a%2F&lt;&amp;&gt;&apos;&#x1F600;<![CDATA[<&\r\n]]><!-- no -->.gz</s3:Key>" +
			"<s3:Size>7</s3:Size><LastModified>2026-02-28T23:59:60Z</LastModified></s3:Contents><IsTruncated> false </IsTruncated></s3:ListBucketResult >\n",
			listAnswer{}},
		{"times of other forms", listHead + `<Contents><Key>a</Key><Size>7</Size><LastModified>2026-01-31T12:00:00+02:00</LastModified></Contents></ListBucketResult>`,
			listAnswer{page: Page{Objects: []Object{{Key: "a", SizeBytes: 7, LastModified: time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC), StorageClass: "STANDARD"}}}}},
		{"empty", `<ListBucketResult/>`, listAnswer{}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := new(listParser).parse([]byte(tc.body))
			if strings.Contains(tc.body, ":60Z") { // a second that Go does not know
				if err == nil || !strings.Contains(err.Error(), `"a%2F<&>'😀<&\n.gz" was last modified`) {
					t.Errorf("error %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(got.page.Objects) == 0 {
				got.page.Objects = nil
			}
			if d := cmp.Diff(tc.want, *got, cmp.AllowUnexported(listAnswer{})); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestParseListRefuses(t *testing.T) {
	row := func(s string) string { return listHead + "<Contents>" + s + "</Contents></ListBucketResult>" }
	const when = "<LastModified>2026-10-04T01:02:03.000Z</LastModified>"
	for name, tc := range map[string]struct{ body, want string }{
		"nothing":           {"", "too early"},
		"another document":  {`<Error><Code>SlowDown</Code></Error>`, `a "Error"`},
		"no XML":            {"hello", "text where an element is expected"},
		"doctype":           {`<!DOCTYPE x [<!ENTITY a "b">]><ListBucketResult/>`, "a declaration"},
		"cut in the middle": {listHead + "<Contents><Key>a", "too early"},
		"cut before end":    {strings.TrimSuffix(row("<Key>a</Key>"+when+"<Size>1</Size>"), "lt>"), "too early"},
		"wrong end":         {listHead + "<Contents></Content>", `end of "Content" where "Contents"`},
		"two roots":         {"<ListBucketResult/><ListBucketResult/>", "behind its end"},
		"text among":        {listHead + "x</ListBucketResult>", "text where"},
		"element in text":   {row("<Key>a<b/></Key>"), `an element within "Key"`},
		"unknown entity":    {row("<Key>&nbsp;</Key>"), "none of XML's own"},
		"surrogate":         {row("<Key>&#xD800;</Key>"), "no character"},
		"open entity":       {row("<Key>&amp</Key>"), "without an end"},
		"no key":            {row(when + "<Size>1</Size>"), "entry 0 of the listing has no key"},
		"no size":           {row("<Key>a</Key>" + when), `size of "a"`},
		"no time":           {row("<Key>a</Key><Size>1</Size>"), `"a" was last modified`},
		"cut encoding":      {listHead + "<EncodingType>url</EncodingType><Contents><Key>a%2</Key></Contents></ListBucketResult>", "undecodable key"},
		"more or not":       {listHead + "<IsTruncated>perhaps</IsTruncated></ListBucketResult>", "neither true nor false"},
		"deep":              {listHead + strings.Repeat("<a>", 99), "nested deeper"},
	} {
		if a, err := new(listParser).parse([]byte(tc.body)); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: answer %+v, error %v, want one that says %q", name, a, err, tc.want)
		}
	}
}

// FuzzParseList holds the scanner against encoding/xml: what both read, they
// read alike, and nothing makes it panic.
func FuzzParseList(f *testing.F) {
	f.Add([]byte(listHead + `<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>t&#43;</NextContinuationToken><Contents><Key>a%2F+b&amp;<![CDATA[x]]></Key><LastModified>2026-10-04T01:02:03.004Z</LastModified><ETag>&quot;d&quot;</ETag><Size>12</Size><Owner><ID/></Owner></Contents><CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>`))
	f.Add([]byte("<ListBucketResult><!-- x --><Contents a='1'><Size>1</Size><Key>\r\n</Key><LastModified>2026-10-04T01:02:03Z</LastModified></Contents></ListBucketResult>"))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := new(listParser).parse(body)
		if err != nil {
			return
		}
		var want struct {
			XMLName               xml.Name `xml:"ListBucketResult"`
			EncodingType          string
			NextContinuationToken string
			Contents              []struct {
				Key  string
				Size string
			}
			CommonPrefixes []struct{ Prefix string }
		}
		if xml.Unmarshal(body, &want) != nil {
			return // it checks more: attributes, characters, names
		}
		if len(want.Contents) != len(got.page.Objects) || len(want.CommonPrefixes) != len(got.page.Prefixes) || want.NextContinuationToken != got.token {
			t.Fatalf("%q: %+v, want %+v", body, got, want)
		}
		for i, c := range want.Contents {
			if want.EncodingType == "url" {
				c.Key, _ = url.QueryUnescape(c.Key)
			}
			if o := got.page.Objects[i]; o.Key != c.Key || fmt.Sprint(o.SizeBytes) != strings.TrimLeft(c.Size, "+0") && o.SizeBytes != 0 {
				t.Fatalf("%q: object %d %+v, want %+v", body, i, o, c)
			}
		}
	})
}

// TestListTriesACutAnswerAgain: a long listing is not lost to one connection.
func TestListTriesACutAnswerAgain(t *testing.T) {
	requests := 0
	c := scripted(t, func(w http.ResponseWriter, _ *http.Request) {
		const body = listHead + `<Contents><Key>a</Key><LastModified>2026-10-04T01:02:03.000Z</LastModified><Size>1</Size></Contents></ListBucketResult>`
		if requests++; requests == 1 {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write([]byte(body[:len(body)-20])) // the test sees what the client makes of it
			return
		}
		_, _ = w.Write([]byte(body))
	})
	err := c.List(context.Background(), "bucket", ListOptions{}, func(Page) error { return nil })
	if requests != 1 || err == nil || !strings.Contains(err.Error(), "the answer broke off") {
		t.Errorf("one try: %d requests, error %v", requests, err)
	}
	requests = 0
	more, err := Open(context.Background(), Options{EndpointURL: *c.api.Options().BaseEndpoint, MaxAttempts: 2})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	if err := more.List(context.Background(), "bucket", ListOptions{}, func(p Page) error { n += len(p.Objects); return nil }); err != nil || n != 1 || requests != 2 {
		t.Errorf("two tries: %d objects from %d requests, error %v", n, requests, err)
	}
}
