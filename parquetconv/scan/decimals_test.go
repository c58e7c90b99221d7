package scan

import "testing"

// TestDecimalsTakeDigitsOnly: each byte at each place of a word.
func TestDecimalsTakeDigitsOnly(t *testing.T) {
	const layout = "0000-00-"
	for at := range 8 {
		for c := range 256 {
			text := []byte("2026-11-")
			text[at] = byte(c)
			want := byte(c) == layout[at]
			if layout[at] == '0' {
				want = c >= '0' && c <= '9'
			}
			if _, ok := decimals(word(text, 0), form(layout), separators(layout)); ok != want {
				t.Errorf("%q: %t", text, ok)
			}
		}
	}
}
