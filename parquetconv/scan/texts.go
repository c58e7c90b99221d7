package scan

import (
	"hash/maphash"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// texts gathers strings: as codes of a dictionary while they repeat, else one
// behind the other.
type texts struct {
	dictionary *dictionary // nil while strings are plain
	codes      []int32
	data       []byte
	offsets    []int32 // n+1

	repeats bool // whether a dictionary is tried at all
	seed    maphash.Seed
	number  int // of the dictionary, counted up
	resting int // blocks to go before the next one is tried
	rest    int // how many that were the last time
}

func (t *texts) init(seed maphash.Seed, repeats bool) {
	t.seed, t.repeats, t.offsets = seed, repeats, append(t.offsets, 0)
	if repeats {
		t.begin()
	}
}

// begin begins another dictionary.
func (t *texts) begin() {
	t.number++
	t.dictionary = newDictionary(t.seed)
}

func (t *texts) add(text []byte) {
	if t.dictionary != nil {
		if code, ok := t.dictionary.code(text); ok {
			t.codes = append(t.codes, code)
			return
		}
		t.toPlain()
	}
	t.data = append(t.data, text...)
	t.offsets = append(t.offsets, int32(len(t.data)))
}

func (t *texts) addNull() {
	if t.dictionary != nil {
		t.codes = append(t.codes, emptyCode)
		return
	}
	t.offsets = append(t.offsets, int32(len(t.data)))
}

func (t *texts) truncate(n int) {
	if t.dictionary != nil {
		t.codes = t.codes[:n]
		return
	}
	t.offsets = t.offsets[:n+1]
	t.data = t.data[:t.offsets[n]]
}

// maxRest is how many blocks are plain, at most, before a dictionary is tried again.
const maxRest = 64

// toPlain gives the dictionary up and writes out what the codes stand for.
func (t *texts) toPlain() {
	for _, code := range t.codes {
		t.data = append(t.data, t.dictionary.text(code)...)
		t.offsets = append(t.offsets, int32(len(t.data)))
	}
	t.codes, t.dictionary = t.codes[:0], nil
	t.rest = min(max(2*t.rest, 4), maxRest)
	t.resting = t.rest
}

// take returns the n strings as an array, and which dictionary it refers to.
func (t *texts) take(plain arrow.DataType, n int, valid *memory.Buffer, nulls int) (arrow.Array, int) {
	if t.dictionary == nil {
		data := array.NewData(plain, n, append([]*memory.Buffer{valid}, t.plainBuffers()...), nil, nulls, 0)
		defer data.Release()
		if t.repeats {
			if t.resting--; t.resting <= 0 {
				t.begin()
			}
		}
		return array.MakeFromData(data), 0
	}
	var codes *memory.Buffer
	codes, t.codes = handOver(t.codes, n)
	typ := &arrow.DictionaryType{IndexType: arrow.PrimitiveTypes.Int32, ValueType: plain}
	data := array.NewDataWithDictionary(typ, n, []*memory.Buffer{valid, codes}, nulls, 0, t.dictionary.array(plain))
	defer data.Release()
	number := t.number
	if t.dictionary.nearlyFull() {
		t.begin()
	}
	return array.MakeFromData(data), number
}

// plainBuffers hands over what add wrote.
func (t *texts) plainBuffers() []*memory.Buffer {
	var offsets, data *memory.Buffer
	n := len(t.offsets)
	offsets, t.offsets = handOver(t.offsets, n)
	t.offsets = append(t.offsets, 0)
	data, t.data = handOver(t.data, len(t.data))
	return []*memory.Buffer{offsets, data}
}
