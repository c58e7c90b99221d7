package inventory

import (
	"cmp"
	"strings"
	"time"
)

// Hotspot is a group worth compacting, as the report showed it.
type Hotspot struct {
	Type    string    `json:"type"`    // "hotspot"
	Prefix  string    `json:"prefix"`  // with its closing slash; "" is the root
	Objects int64     `json:"objects"` // small objects that match
	Bytes   int64     `json:"bytes"`   // of them
	Outputs int64     `json:"outputs"` // that they will be joined into
	Oldest  time.Time `json:"oldest"`  // of them, to the millisecond
	Newest  time.Time `json:"newest"`

	StorageClasses map[string]int64 `json:"storage_classes"`        // of them, objects of each
	AccessTiers    map[string]int64 `json:"access_tiers,omitempty"` // of Intelligent-Tiering
	Encryption     map[string]int64 `json:"encryption,omitempty"`
	Checksums      map[string]int64 `json:"checksums,omitempty"`
	Replication    map[string]int64 `json:"replication,omitempty"`
	Locked         int64            `json:"locked,omitempty"` // under object lock: a retention or a legal hold

	// Kinds are the same objects by all that the report says of them, in the order
	// of their words. Their sums are Objects and Bytes.
	Kinds []Kind `json:"kinds,omitempty"`

	AllObjects int64 `json:"all_objects"` // of the group, of every size and name
	AllBytes   int64 `json:"all_bytes"`
	// SizeHistogram counts all objects of the group by their sizes, see SizeBounds.
	SizeHistogram [SizeBuckets]int64 `json:"size_histogram"`
}

// Kind counts the small matching objects of a group that agree in what a report
// says of them. What a report does not say is "".
type Kind struct {
	StorageClass string `json:"storage_class,omitempty"`
	AccessTier   string `json:"access_tier,omitempty"`
	Encryption   string `json:"encryption,omitempty"`
	Checksum     string `json:"checksum,omitempty"`
	Replication  string `json:"replication,omitempty"`
	Locked       bool   `json:"locked,omitempty"`

	Objects int64 `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// ShortBytes are what the objects are short of 128 KiB, each: what the classes
	// with that minimum bill beside Bytes.
	ShortBytes int64 `json:"short_bytes,omitempty"`
	// MinimumKiBDays is what a delete now pays nevertheless: for each object its
	// size in KiB (at least 128, rounded up) times the days of MinimumDays less the
	// whole days of its age when the report was true.
	MinimumKiBDays int64 `json:"minimum_kib_days,omitempty"`
}

// reset empties the hotspot and keeps its memory.
func (h *Hotspot) reset(prefix string) {
	for _, m := range []map[string]int64{h.StorageClasses, h.AccessTiers, h.Encryption, h.Checksums, h.Replication} {
		clear(m)
	}
	*h = Hotspot{
		Type: "hotspot", Prefix: prefix, StorageClasses: h.StorageClasses, AccessTiers: h.AccessTiers,
		Encryption: h.Encryption, Checksums: h.Checksums, Replication: h.Replication, Kinds: h.Kinds[:0],
	}
	if h.StorageClasses == nil {
		h.StorageClasses = map[string]int64{}
	}
}

// add adds the counts of a kind.
func (h *Hotspot) add(w *words, c *kindCounts) {
	h.Objects += c.objects
	h.Bytes += c.bytes
	countWord(&h.StorageClasses, w[attrClass], c.objects)
	countWord(&h.AccessTiers, w[attrTier], c.objects)
	countWord(&h.Encryption, w[attrEncryption], c.objects)
	countWord(&h.Checksums, w[attrChecksum], c.objects)
	countWord(&h.Replication, w[attrReplication], c.objects)
	locked := w[attrLock] != ""
	if locked {
		h.Locked += c.objects
	}
	h.Kinds = append(h.Kinds, Kind{
		StorageClass: w[attrClass], AccessTier: w[attrTier], Encryption: w[attrEncryption], Checksum: w[attrChecksum],
		Replication: w[attrReplication], Locked: locked,
		Objects: c.objects, Bytes: c.bytes, ShortBytes: c.shortBytes, MinimumKiBDays: c.kibibyteDays,
	})
}

func countWord(m *map[string]int64, word string, objects int64) {
	if word == "" {
		return
	}
	if *m == nil {
		*m = map[string]int64{}
	}
	(*m)[word] += objects
}

// compareKinds orders kinds by their words.
func compareKinds(a, b Kind) int {
	return cmp.Or(
		strings.Compare(a.StorageClass, b.StorageClass), strings.Compare(a.AccessTier, b.AccessTier),
		strings.Compare(a.Encryption, b.Encryption), strings.Compare(a.Checksum, b.Checksum),
		strings.Compare(a.Replication, b.Replication), boolOrder(a.Locked)-boolOrder(b.Locked))
}

func boolOrder(b bool) int {
	if b {
		return 1
	}
	return 0
}
