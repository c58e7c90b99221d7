package main

import "github.com/urfave/cli/v2"

// didYouMean is a hint behind an unknown word, where one of those that are
// known is like it: " (did you mean …?)", or nothing.
func didYouMean(word string, known []string) string {
	best, least := "", 3 // more than two slips are no slips
	for _, k := range known {
		if d := slips(word, k); d < least && 2*d < len(word) {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// slips is how many letters have to be put in, left out, exchanged or swapped
// with their neighbour to make one word the other.
// Source: the optimal string alignment distance.
func slips(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			d := last[j-1]
			if a[i-1] != b[j-1] {
				d++
			}
			d = min(d, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			row[j] = d
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func commandNames(commands []*cli.Command) (names []string) {
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return names
}

// flagNames are the flags as they are written.
func flagNames(flags []cli.Flag) (names []string) {
	for _, f := range flags {
		for _, n := range f.Names() {
			if len(n) > 1 {
				names = append(names, "--"+n)
			}
		}
	}
	return names
}
