package price

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/s3compact/s3compact/internal/s3store"
)

func TestReferenceJobCosts(t *testing.T) {
	// 29.5 million GETs and, for 14,000 groups, 112,000 LISTs and 70,000 PUTs.
	got := Default().Requests(s3store.Requests{Get: 29_500_000, List: 112_000, Put: 70_000, Delete: 29_500_000})
	if want := 11.80 + 0.56 + 0.35; math.Abs(got-want) > 1e-9 {
		t.Errorf("cost %.4f, want %.4f", got, want)
	}
}

// TestBuiltInPricesArePlausible holds every number of the built-in list against
// the bounds in which S3 has ever been, and the storage classes against those
// that the SDK knows.
func TestBuiltInPricesArePlausible(t *testing.T) {
	l := Default()
	if date, err := time.Parse(time.DateOnly, l.Date); err != nil || date.Before(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("date %q, error %v: the prices are too old", l.Date, err)
	}
	for _, class := range types.StorageClass("").Values() {
		_, priced := l.Class(string(class))
		if _, without := l.WithoutPrice[string(class)]; priced == without {
			t.Errorf("storage class %s: priced %v, said to be without a price %v", class, priced, without)
		}
	}
	within := func(what string, v, least, most float64) {
		t.Helper()
		if v < least || v > most {
			t.Errorf("%s is %v, expected from %v to %v", what, v, least, most)
		}
	}
	within("LIST", l.ListPerMillion, 1, 20)
	within("DELETE", l.DeletePerMillion, 0, 0)
	standard := l.Classes[Standard]
	for name, c := range l.Classes {
		within(name+" put_per_million", c.PutPerMillion, 1, 100)
		within(name+" get_per_million", c.GetPerMillion, 0.01, 20)
		within(name+" retrieval_per_gb", c.RetrievalPerGB, 0, 0.1)
		within(name+" storage_per_gb_month", c.StoragePerGBMonth, 0.0005, 0.25)
		within(name+" min_days", float64(c.MinDays), 0, 365)
		if cheaper := c.StoragePerGBMonth < standard.StoragePerGBMonth; cheaper != (c.MinDays > 0) || cheaper != (c.RetrievalPerGB > 0 && name != "EXPRESS_ONEZONE") {
			t.Errorf("%s: storage cheaper than STANDARD is %v, but min_days is %d and retrieval_per_gb %v: a cheaper class has both", name, cheaper, c.MinDays, c.RetrievalPerGB)
		}
	}
}

func TestUnknownClassHasNoPrice(t *testing.T) {
	for name, want := range map[string]bool{"": true, "STANDARD": true, "GLACIER_IR": true, "OUTPOSTS": false, "NEW_CLASS": false} {
		if _, ok := Default().Class(name); ok != want {
			t.Errorf("class %q has a price: %v, want %v", name, ok, want)
		}
	}
}

// smallList is a list that a user may write.
const smallList = `{
  "version": 1, "region": "on-premises", "date": "2026-01-31", "source": "contract 14184", "currency": "USD",
  "list_per_million": 0, "delete_per_million": 0,
  "storage_classes": {
    "STANDARD": {"put_per_million": 0, "get_per_million": 0.2, "retrieval_per_gb": 0, "storage_per_gb_month": 0.01, "min_days": 0, "min_billable_bytes": 0}
  }
}`

func TestParseTakesAListOfOneClass(t *testing.T) {
	l, err := Parse([]byte(smallList))
	if err != nil {
		t.Fatal(err)
	}
	want := &List{
		Version: 1, Region: "on-premises", Date: "2026-01-31", Source: "contract 14184", Currency: "USD",
		Classes: map[string]Class{"STANDARD": {GetPerMillion: 0.2, StoragePerGBMonth: 0.01}},
	}
	if !reflect.DeepEqual(l, want) {
		t.Errorf("read %+v, want %+v", l, want)
	}
	if got := l.Requests(s3store.Requests{Get: 1e6, Head: 1e6, Put: 5, List: 7}); got != 0.4 {
		t.Errorf("two million GET and HEAD cost %v, want 0.4", got)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tc := range []struct{ name, from, to, want string }{
		{"a cut list", smallList[20:], "", "unexpected"},
		{"another version", `"version": 1`, `"version": 2`, "reads version 1"},
		{"no version", `"version": 1, `, ``, "reads version 1"},
		{"a misspelt price", `"get_per_million"`, `"gets_per_million"`, "gets_per_million"},
		{"a price left out", `"get_per_million": 0.2, `, ``, "STANDARD: put_per_million, get_per_million"},
		{"a price that is null", `"get_per_million": 0.2`, `"get_per_million": null`, "must all be given"},
		{"LIST left out", `"list_per_million": 0, `, ``, "list_per_million"},
		{"a negative price", `"get_per_million": 0.2`, `"get_per_million": -0.2`, "STANDARD get_per_million is -0.2"},
		{"a word for a price", `"get_per_million": 0.2`, `"get_per_million": "0.2"`, "float64"},
		{"an endless price", `"get_per_million": 0.2`, `"get_per_million": 1e999`, "1e999"},
		{"another currency", `"USD"`, `"EUR"`, "EUR"},
		{"no region", `"on-premises"`, `""`, "region"},
		{"a date of another form", `2026-01-31`, `31.1.2026`, "31.1.2026"},
		{"no STANDARD", `"STANDARD"`, `"GLACIER"`, "STANDARD is missing"},
		{"days below zero", `"min_days": 0`, `"min_days": -1`, "min_days -1"},
		{"a price beyond sums", `"list_per_million": 0`, `"list_per_million": 1e308`, "from 0 to 1000000 dollars"},
		{"another minimum size", `"min_billable_bytes": 0`, `"min_billable_bytes": 65536`, "131072"},
		{"a class with and without a price", `"storage_classes"`, `"without_price": {"STANDARD": "free"}, "storage_classes"`, "STANDARD stands among"},
		{"two lists", smallList, smallList + "{}", "after top-level value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			text := strings.Replace(smallList, tc.from, tc.to, 1)
			if text == smallList {
				t.Fatal("the list was not changed")
			}
			_, err := Parse([]byte(text))
			if !errors.Is(err, ErrPrices) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
}
