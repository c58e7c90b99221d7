package inventory

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/s3compact/s3compact/internal/price"
)

const gib = 1 << 30

// byTheDefaults are the thresholds of a call without flags.
var byTheDefaults = Selection{SmallSizeBytes: 64 << 20, MinObjects: 8, Match: "*", TargetSizeBytes: gib}

// hotspotOf is a hotspot of these kinds in a group of so many objects.
func hotspotOf(prefix string, all int64, kinds ...Kind) *Hotspot {
	h := &Hotspot{Type: "hotspot", Prefix: prefix, AllObjects: all, Kinds: kinds}
	for _, k := range kinds {
		h.Objects += k.Objects
		h.Bytes += k.Bytes
		if k.Locked {
			h.Locked += k.Objects
		}
	}
	return h
}

func estimateOf(h *Hotspot, sel Selection) Estimate {
	b := billOf(h, sel, h.Locked > 0)
	return b.estimate(price.Default())
}

// TestEstimateByHand is the example of docs/hotspots.md: every figure is
// computed there by hand.
func TestEstimateByHand(t *testing.T) {
	h := hotspotOf("app/", 15_000,
		Kind{StorageClass: "STANDARD", Objects: 12_000, Bytes: 12_000 * 100 << 10},                                                               // 1.14 GiB
		Kind{StorageClass: "STANDARD_IA", Objects: 2_000, Bytes: 2_000 * 64 << 10, ShortBytes: 2_000 * 64 << 10, MinimumKiBDays: 500 * 128 * 10}, // 500 of them with 10 days left
		Kind{StorageClass: "GLACIER", Objects: 400, Bytes: 400 << 20},
		Kind{StorageClass: "STANDARD", Encryption: "SSE-C", Objects: 100, Bytes: 100 << 20},
	)
	want := Estimate{
		Before: Scan{
			Objects: 14_500, Bytes: 12_000*100<<10 + 2_000*64<<10 + 500<<20, MeanBytes: (12_000*100<<10 + 2_000*64<<10 + 500<<20) / 14_500,
			Get:  14_100, // all but the archived ones
			List: 15,
			// 12,100 GETs at 0.40 and 2,000 at 1.00 a million, 2,000 × 64 KiB at 0.01 a GiB, 15 LISTs at 5.00 a million
			USD: 0.00484 + 0.002 + 2_000*64.0/(1<<20)*0.01 + 0.000075,
		},
		After: Scan{
			Objects: 2_502, Bytes: 12_000*100<<10 + 2_000*64<<10 + 500<<20, MeanBytes: (12_000*100<<10 + 2_000*64<<10 + 500<<20) / 2_502,
			Get:  2_102, // two outputs, 2,000 of STANDARD_IA, 100 with a KMS key
			List: 4,     // 3,002 keys
			USD:  102*0.4e-6 + 0.002 + 2_000*64.0/(1<<20)*0.01 + 0.00002,
		},
		Compacting: Compacting{
			Objects: 12_000, Bytes: 12_000 * 100 << 10, Outputs: 2,
			Get: 12_100, // the 100 show their key when they are read
			// two outputs of 586 MiB: 2 × (create, 13 parts of 48 MiB, complete), and the two entries of the one attempt
			Put: 2*(1+13+1) + 2,
			// the log; 15,000 keys before uploading and again after it; 3,002 keys at the end
			List:   1 + 15 + 15 + 4,
			Head:   2 + 2 + 1,
			GetUSD: 0.00484, PutUSD: 32 * 5e-6, ListUSD: 35 * 5e-6, HeadUSD: 5 * 0.4e-6,
			USD: 0.00484 + 0.00016 + 0.000175 + 0.000002,
		},
		WastedBytes: 2_000 * 64 << 10, WastedUSDMonth: 2_000 * 64.0 / (1 << 20) * 0.0125,
		Refused: map[string]int64{"archived": 400, "storage_class": 2_000, "encryption": 100},
		Cold: &Cold{
			Objects: 2_000, Bytes: 2_000 * 64 << 10, GetUSD: 0.002, RetrievalUSD: 2_000 * 64.0 / (1 << 20) * 0.01,
			PutUSD:         (1 + 3 + 1) * 10e-6,                        // 125 MiB
			EarlyDeleteUSD: 500 * 128 * 10.0 / (1 << 20) * 0.0125 / 30, // KiB days
		},
	}
	want.SavedUSD = want.Before.USD - want.After.USD
	want.PaybackScans = math.Round(want.Compacting.USD/want.SavedUSD*100) / 100
	c := want.Cold
	c.USD = c.GetUSD + c.RetrievalUSD + c.PutUSD + c.EarlyDeleteUSD
	want.round()
	if d := cmp.Diff(want, estimateOf(h, byTheDefaults)); d != "" {
		t.Errorf("estimate (-by hand +computed):\n%s", d)
	}
}

// TestEstimateOfTheReferenceCase has 29.5 million objects of 1.2 TB in 14,000
// groups, each joined into one output, which another tool did for 27 dollars.
func TestEstimateOfTheReferenceCase(t *testing.T) {
	const groups, objects, bytes = 14_000, 29_500_000, 1_200_000_000_000
	var sum bill
	for i := range int64(groups) {
		n := objects*(i+1)/groups - objects*i/groups
		b := billOf(hotspotOf("a/", n, Kind{StorageClass: "STANDARD", Objects: n, Bytes: bytes / groups}), byTheDefaults, false)
		sum.add(&b)
	}
	e := sum.estimate(price.Default())
	want := Compacting{
		Objects: objects, Bytes: bytes / groups * groups, Outputs: groups, Get: objects,
		Put:  groups * (1 + 1 + 1 + 2), // create, one part, complete; commit, done
		List: groups * (1 + 3 + 3 + 1), // log; 2,107 keys, twice; one output
		Head: groups * (2 + 1 + 1),
		// 11.80 + 0.35 + 0.56 + 0.0224
		GetUSD: 11.8, PutUSD: 0.35, ListUSD: 0.56, HeadUSD: 0.0224, USD: 12.7324,
	}
	if d := cmp.Diff(want, e.Compacting); d != "" {
		t.Errorf("compacting (-by hand +computed):\n%s", d)
	}
	if e.Compacting.USD >= 27 {
		t.Errorf("it would cost $%.2f, and is to cost less than 27", e.Compacting.USD)
	}
	if e.Before.Get != objects || e.After.Get != groups || e.Before.List != 3*groups || e.After.List != groups {
		t.Errorf("scans: before %+v, after %+v", e.Before, e.After)
	}
}

func TestEstimateOfSpecialGroups(t *testing.T) {
	standard := func(n, bytes int64) Kind { return Kind{StorageClass: "STANDARD", Objects: n, Bytes: bytes} }
	noneJoined := func(e Estimate) bool {
		return !e.Joins() && e.After.Objects == e.Before.Objects && e.After.USD == e.Before.USD && e.SavedUSD == 0 && e.PaybackScans == 0 && e.Compacting.Put == 0
	}
	for _, tc := range []struct {
		name  string
		h     *Hotspot
		right func(e Estimate) bool
	}{
		{"empty", hotspotOf("a/", 0), noneJoined},
		{"one object", hotspotOf("a/", 1, standard(1, 5)), func(e Estimate) bool {
			return noneJoined(e) && e.Ignored == 1 && e.Compacting.Get == 0 && e.Compacting.List == 2
		}},
		{"all archived", hotspotOf("a/", 9, Kind{StorageClass: "DEEP_ARCHIVE", Objects: 9, Bytes: 90}), func(e Estimate) bool {
			return noneJoined(e) && e.Refused["archived"] == 9 && e.Before.Get == 0 && e.Compacting.Get == 0
		}},
		{"archive tiers", hotspotOf("a/", 9,
			Kind{StorageClass: "INTELLIGENT_TIERING", AccessTier: "ARCHIVE", Objects: 2, Bytes: 90},
			Kind{StorageClass: "INTELLIGENT_TIERING", AccessTier: "DEEP_ARCHIVE", Objects: 3, Bytes: 90},
			Kind{StorageClass: "INTELLIGENT_TIERING", AccessTier: "ARCHIVE_INSTANT_ACCESS", Objects: 4, Bytes: 90}), func(e Estimate) bool {
			return e.Refused["archived"] == 5 && e.Compacting.Objects == 4 && e.Before.Get == 4
		}},
		{"locked", hotspotOf("a/", 9, standard(8, 90), Kind{StorageClass: "STANDARD", Locked: true, Objects: 1, Bytes: 1}), func(e Estimate) bool {
			return noneJoined(e) && e.Refused["locked"] == 9 && e.Compacting == Compacting{}
		}},
		{"not replicated yet", hotspotOf("a/", 9, Kind{StorageClass: "STANDARD", Replication: "PENDING", Objects: 9, Bytes: 1}), func(e Estimate) bool {
			return noneJoined(e) && e.Refused["replication"] == 9 && e.Compacting.Get == 9
		}},
		{"CloudTrail", hotspotOf("AWSLogs/123456789012/CloudTrail-Digest/eu-west-1/2026/11/24/", 9, standard(9, 90)), func(e Estimate) bool {
			return noneJoined(e) && e.Refused["managed"] == 9 && e.Compacting.Get == 0 && e.Compacting.List == 2
		}},
		{"CloudTrail of an organization", hotspotOf("trails/AWSLogs/o-abc/123456789012/CloudTrail/", 9, standard(9, 90)), func(e Estimate) bool {
			return noneJoined(e) && e.Refused["managed"] == 9
		}},
		{"a load balancer's logs", hotspotOf("AWSLogs/123456789012/elasticloadbalancing/eu-west-1/", 9, standard(9, 90)), func(e Estimate) bool {
			return e.Compacting.Objects == 9 && len(e.Refused) == 0
		}},
		{"below a name with an underscore", hotspotOf("a/_temporary/b/", 9, standard(9, 90)), func(e Estimate) bool {
			return noneJoined(e) && e.Ignored == 9 && len(e.Refused) == 0
		}},
		{"no storage class", hotspotOf("a/", 9, Kind{Objects: 9, Bytes: 90}), func(e Estimate) bool {
			return e.Compacting.Objects == 9 && e.Compacting.GetUSD == 9*0.4e-6 && len(e.Unpriced) == 0
		}},
		{"unknown storage class", hotspotOf("a/", 18, standard(9, 90), Kind{StorageClass: "SNOW", Objects: 9, Bytes: 90}), func(e Estimate) bool {
			return e.Unpriced["SNOW"] == 9 && e.Before.Get == 18 && e.Before.USD == 9*0.4e-6+5e-6 && e.PaybackScans == 0 && e.Compacting.Outputs == 2
		}},
		{"classes are not joined with each other", hotspotOf("a/", 9, standard(5, 90), Kind{StorageClass: "REDUCED_REDUNDANCY", Objects: 4, Bytes: 1}), func(e Estimate) bool {
			return e.Compacting.Outputs == 2
		}},
		{"encrypted and not", hotspotOf("a/", 9, Kind{Encryption: "NOT-SSE", Objects: 5, Bytes: 9}, Kind{Encryption: "SSE-S3", Objects: 4, Bytes: 1}), func(e Estimate) bool {
			return e.Compacting.Outputs == 2
		}},
		{"many tiny objects", hotspotOf("a/", 100_000, standard(100_000, 100_000)), func(e Estimate) bool {
			// 5 attempts of 20,000 and one output each; one listing of 100,000 keys, one of each attempt's, and one of 5
			return e.Compacting.Outputs == 5 && e.Compacting.List == 1+100+5*20+1 && e.Compacting.Put == 5*(3+2) && e.Compacting.Head == 5*2+5+1
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if e := estimateOf(tc.h, byTheDefaults); !tc.right(e) {
				t.Errorf("%+v", e)
			}
		})
	}
}

// TestEstimatesAddUp holds the estimate of a sum against the sum of estimates.
func TestEstimatesAddUp(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 14184))
	classes := []string{"STANDARD", "STANDARD_IA", "GLACIER_IR", "GLACIER", "INTELLIGENT_TIERING", "SNOW"}
	var sum bill
	var total Estimate
	for range 200 {
		var kinds []Kind
		all := int64(0)
		for _, class := range classes {
			n := random.Int64N(3000)
			kinds = append(kinds, Kind{
				StorageClass: class, Encryption: []string{"", "SSE-S3", "SSE-KMS"}[random.IntN(3)], Objects: n, Bytes: n * random.Int64N(1<<20),
				ShortBytes: n * 1000, MinimumKiBDays: random.Int64N(1 << 20),
			})
			all += n + random.Int64N(100)
		}
		b := billOf(hotspotOf("a/", all, kinds...), byTheDefaults, false)
		sum.add(&b)
		e := b.estimate(price.Default())
		addNumbers(reflect.ValueOf(&total).Elem(), reflect.ValueOf(&e).Elem())
	}
	got := sum.estimate(price.Default())
	got.Before.MeanBytes, got.After.MeanBytes, got.PaybackScans = 0, 0, 0
	total.Before.MeanBytes, total.After.MeanBytes, total.PaybackScans = 0, 0, 0
	nearly := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) < 200e-9 })
	if d := cmp.Diff(total, got, nearly); d != "" {
		t.Errorf("(-sum of estimates +estimate of the sum):\n%s", d)
	}
}

// addNumbers adds all numbers of one estimate to another.
func addNumbers(to, from reflect.Value) {
	switch to.Kind() {
	case reflect.Struct:
		for i := range to.NumField() {
			addNumbers(to.Field(i), from.Field(i))
		}
	case reflect.Pointer:
		if from.IsNil() {
			return
		}
		if to.IsNil() {
			to.Set(reflect.New(to.Type().Elem()))
		}
		addNumbers(to.Elem(), from.Elem())
	case reflect.Map:
		if to.IsNil() {
			to.Set(reflect.MakeMap(to.Type()))
		}
		for _, k := range from.MapKeys() {
			n := from.MapIndex(k).Int()
			if at := to.MapIndex(k); at.IsValid() {
				n += at.Int()
			}
			to.SetMapIndex(k, reflect.ValueOf(n))
		}
	case reflect.Int64:
		to.SetInt(to.Int() + from.Int())
	case reflect.Float64:
		to.SetFloat(to.Float() + from.Float())
	}
}

func TestBuiltInPricesFitTheReports(t *testing.T) {
	if err := CheckPrices(price.Default()); err != nil {
		t.Error(err)
	}
	for name, c := range price.Default().Classes {
		if c.MinDays != MinimumDays(name) {
			t.Errorf("%s: the list has %d days at least, reports are summed up for %d", name, c.MinDays, MinimumDays(name))
		}
	}
	other := *price.Default()
	other.Classes = map[string]price.Class{"STANDARD": {}, "GLACIER_IR": {MinDays: 30}}
	if err := CheckPrices(&other); err == nil {
		t.Error("30 days at least for GLACIER_IR were accepted")
	}
}

// TestFreeMinimumDuration has a list without the charge for early deletes.
func TestFreeMinimumDuration(t *testing.T) {
	l := *price.Default()
	l.Classes = map[string]price.Class{"STANDARD": {}, "GLACIER_IR": {StoragePerGBMonth: 1}}
	b := billOf(hotspotOf("a/", 9, Kind{StorageClass: "GLACIER_IR", Objects: 9, Bytes: 9, ShortBytes: 9, MinimumKiBDays: 1 << 30}), byTheDefaults, false)
	if e := b.estimate(&l); e.Cold.USD != 0 || e.WastedBytes != 0 || !slices.Equal([]int64{e.Cold.Objects}, []int64{9}) {
		t.Errorf("%+v, cold %+v", e, e.Cold)
	}
}

func TestMinimumDurationsInPriceLists(t *testing.T) {
	for _, tc := range []struct {
		class string
		days  int64
		want  string // "": usable
	}{
		{"STANDARD", 0, ""}, {"STANDARD", 7, "write 0, as the class has no minimum duration"},
		{"GLACIER_IR", 0, ""}, {"GLACIER_IR", 90, ""}, {"GLACIER_IR", 30, "write 0 or 90"},
	} {
		err := CheckPrices(&price.List{Classes: map[string]price.Class{tc.class: {MinDays: tc.days}}})
		if tc.want == "" && err != nil || tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)) {
			t.Errorf("%s, %d days: error %v, want %q", tc.class, tc.days, err, tc.want)
		}
	}
}
