package s3store

import (
	"bytes"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"
)

// decodeKey undoes the URL encoding of a listing, which keeps keys with
// characters that XML cannot hold. A server that ignores the request for it
// says so by not naming an encoding.
func decodeKey(encoded bool, key []byte) (string, error) {
	if !encoded || bytes.IndexByte(key, '%') < 0 && bytes.IndexByte(key, '+') < 0 {
		return string(key), nil
	}
	plain := make([]byte, 0, 1024) // the longest key: it stays on the stack
	for i := 0; i < len(key); i++ {
		switch c := key[i]; {
		case c == '+':
			plain = append(plain, ' ')
		case c != '%':
			plain = append(plain, c)
		case i+2 < len(key) && unhex(key[i+1]) < 16 && unhex(key[i+2]) < 16:
			plain = append(plain, unhex(key[i+1])<<4|unhex(key[i+2]))
			i += 2
		default:
			return "", fmt.Errorf("undecodable key %q in the listing: %q is no URL encoding", key, key[i:min(i+3, len(key))])
		}
	}
	return string(plain), nil
}

// unhex is the value of a hex digit, or 16.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// xmlHolds says whether XML 1.0 can hold the key, so that a request body can
// name it. Source: Extensible Markup Language 1.0, section 2.2.
func xmlHolds(key string) bool {
	for _, r := range key {
		switch {
		case r == utf8.RuneError, r == 0xFFFE, r == 0xFFFF, r < 0x20 && r != '\t' && r != '\n' && r != '\r':
			return false
		}
	}
	return true
}

// expires reads the Expires header of an object that is written again; a
// value that is no HTTP date is not carried over.
func expires(s string) *time.Time {
	if t, err := http.ParseTime(s); err == nil {
		return &t
	}
	return nil
}
