package inventory

import (
	"fmt"
	"slices"
	"sync"
)

// attribute is one of the properties of an object that a report states with few
// different words. All objects that agree in all of them are of one kind.
type attribute int

const (
	attrClass       attribute = iota // storage_class
	attrTier                         // intelligent_tiering_access_tier
	attrEncryption                   // encryption_status
	attrChecksum                     // checksum_algorithm
	attrReplication                  // replication_status
	attrLock                         // lockedWord, or nothing: of the three columns object_lock_…
	attributes
)

// lockedWord is what attrLock says of an object under a retention or a legal hold.
const lockedWord = "locked"

var attributeNames = [attributes]string{
	"storage class", "access tier", "encryption status", "checksum algorithm", "replication status", "object lock",
}

const (
	// maxWords and maxKinds bound what a damaged report can make of the attributes;
	// S3 has a dozen words for the richest of them.
	maxWords     = 64
	maxKinds     = 4096
	maxWordBytes = 64
	wordCodes    = 2 * maxWords // more than there are codes
)

// minimumBilledBytes is what an object counts at least in the storage classes
// with a minimum. Source: https://aws.amazon.com/s3/pricing/, "Storage".
const minimumBilledBytes = 128 << 10

// MinimumDays is the number of days that an object of the storage class is paid
// for at least: who deletes it earlier pays the rest. 0: no minimum. It is the
// same in all regions. Source: Amazon S3 User Guide, "Comparing the Amazon S3 storage classes".
func MinimumDays(storageClass string) int64 {
	switch storageClass {
	case "STANDARD_IA", "ONEZONE_IA":
		return 30
	case "GLACIER_IR", "GLACIER":
		return 90
	case "DEEP_ARCHIVE":
		return 180
	}
	return 0
}

// words are the attributes of one kind.
type words [attributes]string

// kindNumbers gives kinds their numbers, the same for all workers. Number 0 has
// no attributes.
type kindNumbers struct {
	mu     sync.Mutex
	number map[words]uint16
	kinds  []words
}

func newKindNumbers() *kindNumbers {
	return &kindNumbers{number: map[words]uint16{{}: 0}, kinds: []words{{}}}
}

func (k *kindNumbers) of(w words) (uint16, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n, ok := k.number[w]
	if !ok {
		if len(k.kinds) == maxKinds {
			return 0, fmt.Errorf("more than %d combinations of storage class, encryption and so on: this is no report of S3", maxKinds)
		}
		n = uint16(len(k.kinds))
		k.kinds = append(k.kinds, w)
		k.number[w] = n
	}
	return n, nil
}

// kindTable gives the rows of one worker their kinds, from the codes of the
// words in their columns. It is for one goroutine.
type kindTable struct {
	numbers *kindNumbers
	words   [attributes][]string // by code; code 0 is ""
	kinds   []words              // by kind, as far as this worker has seen it
	days    []int64              // MinimumDays of each
	// next are, by attribute, 1 + the kind that differs from another by a word:
	// at the kind times wordCodes plus the word's code.
	next [attributes][]uint16
}

func newKindTable(numbers *kindNumbers) *kindTable {
	t := &kindTable{numbers: numbers}
	for a := range t.words {
		t.words[a] = []string{""}
	}
	t.know(0, words{})
	return t
}

// know enters a kind.
func (t *kindTable) know(kind uint16, w words) {
	if n := int(kind) + 1; n > len(t.kinds) {
		t.kinds = append(t.kinds, make([]words, n-len(t.kinds))...)
		t.days = append(t.days, make([]int64, n-len(t.days))...)
	}
	t.kinds[kind] = w
	t.days[kind] = MinimumDays(w[attrClass])
}

// code is the number of a word of an attribute, 0 for none.
func (t *kindTable) code(a attribute, word []byte) (uint16, error) {
	all := t.words[a]
	for i, w := range all {
		if w == string(word) {
			return uint16(i), nil
		}
	}
	if len(all) > maxWords || len(word) > maxWordBytes || !isWord(word) {
		return 0, fmt.Errorf("%s %.80q after %d others: this is no report of S3", attributeNames[a], word, len(all)-1)
	}
	t.words[a] = append(all, string(word))
	return uint16(len(all)), nil
}

// isWord says whether a name is of visible ASCII: fit for a terminal, and to
// stand beside others with spaces between.
func isWord(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// with is the kind that differs from another in one word.
func (t *kindTable) with(kind uint16, a attribute, code uint16) (uint16, error) {
	at := int(kind)*wordCodes + int(code)
	if at < len(t.next[a]) && t.next[a][at] > 0 {
		return t.next[a][at] - 1, nil
	}
	w := t.kinds[kind]
	w[a] = t.words[a][code]
	n, err := t.numbers.of(w)
	if err != nil {
		return 0, err
	}
	t.know(n, w)
	if missing := len(t.kinds)*wordCodes - len(t.next[a]); missing > 0 {
		t.next[a] = append(t.next[a], make([]uint16, missing)...)
	}
	t.next[a][at] = n + 1
	return n, nil
}

// setAll gives all rows of the batch the word of this code.
func (t *kindTable) setAll(b *batch, a attribute, code uint16) error {
	if b.kinds == nil {
		var err error
		b.kind, err = t.with(b.kind, a, code)
		return err
	}
	for i, kind := range b.kinds {
		n, err := t.with(kind, a, code)
		if err != nil {
			return err
		}
		b.kinds[i] = n
	}
	return nil
}

// eachKind makes room for a kind of each row, where all are the same so far.
func (t *kindTable) eachKind(b *batch, memory *[]uint16) {
	if b.kinds != nil {
		return
	}
	*memory = append((*memory)[:0], make([]uint16, b.rows)...)
	b.kinds = *memory
	for i := range b.kinds {
		b.kinds[i] = b.kind
	}
}

// set gives the rows of the batch the words of these codes, one for each row.
// memory is for b.kinds, where it is not set yet.
func (t *kindTable) set(b *batch, a attribute, codes []uint16, memory *[]uint16) error {
	if len(codes) == 0 {
		return nil
	}
	if b.kinds == nil && !slices.ContainsFunc(codes, func(c uint16) bool { return c != codes[0] }) {
		return t.setAll(b, a, codes[0])
	}
	t.eachKind(b, memory)
	next := t.next[a]
	for i, kind := range b.kinds {
		at := int(kind)*wordCodes + int(codes[i])
		if at < len(next) && next[at] > 0 {
			b.kinds[i] = next[at] - 1
			continue
		}
		n, err := t.with(kind, a, codes[i])
		if err != nil {
			return err
		}
		next = t.next[a]
		b.kinds[i] = n
	}
	return nil
}
