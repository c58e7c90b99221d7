package inflate

import (
	"bytes"
	stdflate "compress/flate"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/klauspost/compress/flate"
)

// benchInput is data of one kind in streams of the usual size, made by the standard library at the usual level.
type benchInput struct {
	name    string
	streams [][]byte
	bytes   int64 // inflated
	largest int
}

func benchInputs(b *testing.B) []benchInput {
	rng := newRand()
	var logs, keys45, keys123, mix bytes.Buffer
	for i := range 100_000 {
		fmt.Fprintf(&logs, `{"time":"2024-05-01T12:%02d:%02d.%03dZ","status":%d,"method":"GET","path":"/v1/items/%d","bytes":%d,"client":"10.1.%d.%d","agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","upstream_ms":%d}`+"\n",
			i/6000%60, i/100%60, rng.IntN(1000), 200+rng.IntN(4)*100, int(rng.ExpFloat64()*2000), rng.IntN(1<<14), rng.IntN(16), rng.IntN(256), rng.IntN(1000))
		fmt.Fprintf(&keys45, "14184/2024/%02d/%02d/log-%08x-%08x.json.gz", 1+i/28_000, 1+i/1000%28, rng.Uint32(), i)
		fmt.Fprintf(&keys123, "AWSLogs/123456789012/elasticloadbalancing/us-east-1/2024/%02d/%02d/app.my-lb.2024%02d%02dT%04dZ_%08x-%08x-%08x.log.gz",
			1+i/28_000, 1+i/1000%28, 1+i/28_000, 1+i/1000%28, i%2400, rng.Uint32(), rng.Uint32(), rng.Uint32())
	}
	// Code, text, numbers and noise.
	path, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	program, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	mix.Write(program[:min(len(program), 3<<20)])
	mix.Write(logs.Bytes()[:1<<20])
	for i := range 50_000 {
		fmt.Fprintf(&mix, "%d,%.3f,%s\n", i, rng.NormFloat64()*100, []string{"alpha", "beta", "gamma delta"}[rng.IntN(3)])
	}
	for range 1 << 17 {
		mix.WriteByte(byte(rng.Uint32()))
	}

	inputs := []benchInput{{name: "log"}, {name: "keys45"}, {name: "keys123"}, {name: "mix"}}
	for i, of := range []struct {
		data       []byte
		level      int
		streamSize int
	}{{logs.Bytes(), 6, 240_000}, {keys45.Bytes(), 2, 256 << 10}, {keys123.Bytes(), 2, 256 << 10}, {mix.Bytes(), 6, 1 << 20}} {
		in := &inputs[i]
		for data := of.data[:min(len(of.data), 12<<20)]; len(data) > 0; {
			n := min(len(data), of.streamSize)
			in.streams = append(in.streams, compressors()[of.level-stdflate.HuffmanOnly].compress(b, data[:n]))
			in.bytes += int64(n)
			in.largest = max(in.largest, n)
			data = data[n:]
		}
	}
	return inputs
}

// BenchmarkInflate compares whole streams into memory at hand; scripts/bench has the libraries in C beside them.
func BenchmarkInflate(b *testing.B) {
	type resettable interface {
		io.Reader
		flate.Resetter
	}
	through := func(r io.Reader) func(dst, src []byte) ([]byte, error) {
		var source bytes.Reader
		return func(dst, src []byte) ([]byte, error) {
			source.Reset(src)
			if err := r.(resettable).Reset(&source, nil); err != nil {
				return nil, err
			}
			n, err := io.ReadFull(r, dst[:cap(dst)])
			if err == io.ErrUnexpectedEOF {
				err = nil
			}
			return dst[:n], err
		}
	}
	var d Decoder
	w := NewWindow()
	for _, in := range benchInputs(b) {
		for _, way := range []struct {
			name    string
			inflate func(dst, src []byte) ([]byte, error)
		}{
			{"Append", func(dst, src []byte) ([]byte, error) {
				out, _, err := d.Append(dst, src, in.largest)
				return out, err
			}},
			{"Window", func(dst, src []byte) ([]byte, error) {
				w.Reset()
				for done := false; !done; {
					data, n, end, err := w.Next(src, true)
					if err != nil {
						return nil, err
					}
					src, done = src[n:], end
					dst = dst[:len(dst)+len(data)]
				}
				return dst, nil
			}},
			{"klauspost", through(flate.NewReader(bytes.NewReader(nil)))},
			{"standard", through(stdflate.NewReader(bytes.NewReader(nil)))},
		} {
			b.Run(in.name+"/"+way.name, func(b *testing.B) {
				dst := make([]byte, 0, in.largest+1000)
				b.SetBytes(in.bytes)
				b.ReportAllocs()
				for b.Loop() {
					var got int64
					for _, src := range in.streams {
						out, err := way.inflate(dst, src)
						if err != nil {
							b.Fatal(err)
						}
						got += int64(len(out))
					}
					if got != in.bytes {
						b.Fatalf("%d bytes, want %d", got, in.bytes)
					}
				}
			})
		}
	}
}
