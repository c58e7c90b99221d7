package inventory

import "slices"

// What compact does for a group, as its limits are: a test of the command holds
// these against the requests of a real run.
const (
	listPageKeys   = 1000     // keys of one LIST
	attemptMembers = 20_000   // members of an attempt at most, and of an output
	attemptOutputs = 16       // outputs of an attempt at most
	wholeBytes     = 96 << 20 // an output below is sent in one part
	partBytes      = 48 << 20 // of a larger one
	newlineBytes   = 21       // that a member may need behind it
	attemptEntries = 2        // PUTs to the group's log for an attempt: what it commits, and that it is done
	attemptHeads   = 2        // HEADs of the log's next entry for it: before the commit and before the completion
)

// bill is the whole numbers that an estimate is made of; estimates of many
// hotspots are estimates of the sum of their bills.
type bill struct {
	objects, bytes        int64 // of the hotspots
	listBefore, listAfter int64 // LISTs of a scan
	list, head, entries   int64 // requests of compacting, entries the PUTs to logs
	joined, joinedBytes   int64
	outputs               int64
	ignored               int64
	refused               map[string]int64
	classes               []classBill
}

// classBill is what of a bill is of one storage class, and priced by it.
type classBill struct {
	class                 string
	objects, shortBytes   int64
	scanned, scannedBytes int64 // read by a scan
	joined, outputs       int64
	gets, getBytes        int64 // read by compact, those included that it refuses then
	uploads               int64 // PUTs of outputs: create, parts, complete
	kibDays               int64 // of those joined, see Kind.MinimumKiBDays
	cold                  struct{ objects, bytes, uploads, kibDays int64 }
}

// add adds what o has.
func (b *bill) add(o *bill) {
	b.objects += o.objects
	b.bytes += o.bytes
	b.listBefore += o.listBefore
	b.listAfter += o.listAfter
	b.list += o.list
	b.head += o.head
	b.entries += o.entries
	b.joined += o.joined
	b.joinedBytes += o.joinedBytes
	b.outputs += o.outputs
	b.ignored += o.ignored
	for reason, n := range o.refused {
		b.refuse(reason, n)
	}
	for i := range o.classes {
		from := &o.classes[i]
		c := b.class(from.class)
		c.objects += from.objects
		c.shortBytes += from.shortBytes
		c.scanned += from.scanned
		c.scannedBytes += from.scannedBytes
		c.joined += from.joined
		c.outputs += from.outputs
		c.gets += from.gets
		c.getBytes += from.getBytes
		c.uploads += from.uploads
		c.kibDays += from.kibDays
		c.cold.objects += from.cold.objects
		c.cold.bytes += from.cold.bytes
		c.cold.uploads += from.cold.uploads
		c.cold.kibDays += from.cold.kibDays
	}
}

func (b *bill) refuse(reason string, objects int64) {
	if b.refused == nil {
		b.refused = map[string]int64{}
	}
	b.refused[reason] += objects
}

// class is the bill of a storage class.
func (b *bill) class(name string) *classBill {
	for i := range b.classes {
		if b.classes[i].class == name {
			return &b.classes[i]
		}
	}
	b.classes = append(b.classes, classBill{class: name})
	return &b.classes[len(b.classes)-1]
}

// outputClass is the objects of a hotspot that compact may join with each other,
// as far as a report shows it: they agree in storage class and encryption.
type outputClass struct {
	class, encryption       string
	cold                    bool
	objects, bytes, kibDays int64
}

// billOf counts a hotspot. locked says that its bucket has object lock, for
// which compact refuses the whole bucket.
func billOf(h *Hotspot, sel Selection, locked bool) bill {
	b := bill{objects: h.Objects, bytes: h.Bytes, listBefore: listPages(h.AllObjects)}
	whole := "" // the reason for which the group is refused as a whole
	switch {
	case locked:
		whole = reasonLocked
	case managed.MatchString(h.Prefix):
		whole = reasonManaged
	}
	passedOver := hidden(h.Prefix)
	var joinable []outputClass
	for i := range h.Kinds {
		k := &h.Kinds[i]
		c := b.class(k.StorageClass)
		c.objects += k.Objects
		c.shortBytes += k.ShortBytes
		if k.readable() {
			c.scanned += k.Objects
			c.scannedBytes += k.Bytes
		}
		reason := whole
		if reason == "" {
			reason = k.Refusal()
		}
		switch {
		case passedOver:
			b.ignored += k.Objects
			continue
		case reason != "":
			b.refuse(reason, k.Objects)
			if !seenByListing(reason) {
				c.gets += k.Objects
				c.getBytes += k.Bytes
			}
			if reason != reasonStorageClass {
				continue
			}
		}
		joinable = addOutputClass(joinable, k, reason == reasonStorageClass)
	}
	for i := range joinable {
		b.join(&joinable[i], sel)
	}
	b.listAfter = listPages(h.AllObjects - b.joined + b.outputs)
	switch {
	case locked: // nothing is sent for the group
	case whole != "":
		b.list = 1 + b.listBefore
	default:
		b.requests(h.AllObjects)
	}
	return b
}

func addOutputClass(all []outputClass, k *Kind, cold bool) []outputClass {
	i := slices.IndexFunc(all, func(c outputClass) bool { return c.class == k.StorageClass && c.encryption == k.Encryption })
	if i < 0 {
		i = len(all)
		all = append(all, outputClass{class: k.StorageClass, encryption: k.Encryption, cold: cold})
	}
	c := &all[i]
	c.objects += k.Objects
	c.bytes += k.Bytes
	c.kibDays += k.MinimumKiBDays
	return all
}

// join counts the outputs of a class of objects. One alone is left as it is.
func (b *bill) join(c *outputClass, sel Selection) {
	of := b.class(c.class)
	outputs := max(sel.Outputs(c.bytes), ceil(c.objects, attemptMembers))
	parts := int64(1)
	if each := ceil(c.bytes, outputs); each+newlineBytes*ceil(c.objects, outputs) >= wholeBytes {
		parts = ceil(each, partBytes)
	}
	uploads := outputs * (2 + parts)
	if c.cold {
		if c.objects > 1 {
			of.cold.objects += c.objects
			of.cold.bytes += c.bytes
			of.cold.kibDays += c.kibDays
			of.cold.uploads += uploads
		}
		return
	}
	if c.objects == 1 {
		b.ignored++
		return
	}
	of.gets += c.objects
	of.getBytes += c.bytes
	of.joined += c.objects
	of.outputs += outputs
	of.uploads += uploads
	of.kibDays += c.kibDays
	b.joined += c.objects
	b.joinedBytes += c.bytes
	b.outputs += outputs
}

// requests counts what compact sends for the group beside reading and uploading.
// It lists the group once, with attempts on the way that list their members' keys
// again, and a last listing finds nothing left. all is the number of objects that
// a listing of the group shows.
func (b *bill) requests(all int64) {
	attempts := int64(0)
	if b.outputs > 0 {
		members := ceil(b.joined, b.outputs) // of an output
		attempts = ceil(b.outputs, min(max(attemptMembers/members, 1), attemptOutputs))
	}
	b.list = 1 // of the log
	if attempts > 0 {
		b.list += listPages(all) + attempts*listPages(ceil(all, attempts))
	}
	b.list += listPages(all - b.joined + b.outputs)
	b.head = attempts*attemptHeads + b.outputs + 1
	b.entries = attempts * attemptEntries
}

// listPages is the number of LISTs that show so many keys.
func listPages(keys int64) int64 { return max(1, ceil(keys, listPageKeys)) }

// ceil is n/by, rounded up.
func ceil(n, by int64) int64 { return (n + by - 1) / by }
