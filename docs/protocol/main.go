package main

import (
	"flag"
	"fmt"
	"hash/maphash"
	"os"
	"reflect"
	"strings"
	"time"
)

// What a step can find, in state.wrong.
const (
	fine uint8 = iota
	success
	edge
	lostRecord
	notOnce
	stuck
	falseAlarm
	keptDeleted
)

var violations = map[uint8]string{
	lostRecord: "a record the application relies on is in no object",
	notOnce:    "success reported while a record is missing, double, or stale",
	stuck:      "a receipt names an output that does not exist",
	falseAlarm: "an upload that a worker aborted looks like a loss",

	keptDeleted: "a member is deleted that was to be kept",
}

func main() {
	only := flag.String("without", "", "remove this guard only, and print the trace")
	limit := flag.Int("limit", 60_000_000, "give up after so many states")
	apps := flag.Int("app", 1, "application writes, overwrites and deletes")
	faults := flag.Int("faults", 1, "crashes and lost answers")
	undo := flag.Int("restores", 1, "restores")
	keep := flag.Int("keeps", 0, "attempts whose members are kept")
	flag.Parse()

	start := initial(uint8(*apps), uint8(*faults), uint8(*undo), uint8(*keep))
	if *only != "" {
		remove(*only)
		check(start, *limit, true)
		return
	}
	t := time.Now()
	n, found, _ := check(start, *limit, true)
	fmt.Printf("%-20s %9d states  %6.1fs  %s\n", "all guards", n, time.Since(t).Seconds(), found)
	bad := found != "holds"
	for i := range reflect.TypeFor[guardSet]().NumField() {
		name := reflect.TypeFor[guardSet]().Field(i).Name
		remove(name)
		where := initial(1, 1, 1, 0) // where each of them matters
		if strings.HasPrefix(name, "kept") {
			where = initial(1, 0, 1, 1)
		}
		n, found, steps := check(where, *limit, false)
		fmt.Printf("without %-18s %9d states  %2d steps  %s\n", name, n, steps, found)
		bad = bad || steps == 0
	}
	if bad {
		os.Exit(1)
	}
}

func initial(apps, faults, undo, keep uint8) state {
	s := state{apps: apps, crashes: faults, undo: undo, keeps: keep}
	for k := range s.src {
		s.src[k] = 1
		s.must |= rec(k, 1)
	}
	s.may = s.must
	return s
}

func remove(name string) {
	guards = allGuards()
	g := &guards
	fields := map[string]*bool{
		"createOnly": &g.createOnly, "finishFirst": &g.finishFirst, "deleteAfterCommit": &g.deleteAfterCommit,
		"completeFirst": &g.completeFirst, "etagDelete": &g.etagDelete, "checkHead": &g.checkHead,
		"settle": &g.settle, "relist": &g.relist, "putBackCreateOnly": &g.putBackCreateOnly,
		"deadBeforeDelete": &g.deadBeforeDelete, "voidFirst": &g.voidFirst, "compareAgain": &g.compareAgain,
		"keepUnsure": &g.keepUnsure, "keptLeftOut": &g.keptLeftOut, "keptNotAbsorbed": &g.keptNotAbsorbed, "keptCarried": &g.keptCarried,
	}
	f, ok := fields[name]
	if !ok {
		fmt.Fprintln(os.Stderr, "no such guard:", name)
		os.Exit(2)
	}
	*f = false
}

// check explores breadth first from start and reports the first violation. Visited states
// are remembered by a 128-bit hash.
func check(start state, limit int, show bool) (states int, found string, steps int) {
	type from struct {
		parent int32
		step   string
	}
	seedA, seedB := maphash.MakeSeed(), maphash.MakeSeed()
	key := func(s state) [2]uint64 {
		return [2]uint64{maphash.Comparable(seedA, s), maphash.Comparable(seedB, s)}
	}
	type node struct {
		state state
		id    int32
	}
	seen := map[[2]uint64]struct{}{key(start): {}}
	trail := []from{{-1, "start"}}
	names := map[string]string{} // one copy of each step's name
	level, following := []node{{start, 0}}, []node(nil)
	for ; len(level) > 0; level, following = following, level[:0] {
		for _, at := range level {
			s := at.state
			bad := fine
			if once, _ := s.copies(); s.must&^once != 0 {
				bad = lostRecord
			} else if s.wrong > edge {
				bad = s.wrong
			}
			if bad != fine {
				var lines []string
				for i := at.id; i >= 0; i = trail[i].parent {
					lines = append(lines, trail[i].step)
				}
				if show {
					for i := len(lines) - 1; i >= 0; i-- {
						fmt.Println("  ", lines[i])
					}
					fmt.Printf("  => %s\n", violations[bad])
				}
				return len(trail), violations[bad], len(lines) - 1
			}
			if len(trail) > limit {
				return len(trail), "holds so far (limit)", 0
			}
			if s.wrong == edge {
				continue
			}
			s.wrong = fine
			next(&s, func(n state, step string) {
				if less(&n.w[1], &n.w[0]) { // the workers are alike
					n.w[0], n.w[1] = n.w[1], n.w[0]
				}
				k := key(n)
				if _, ok := seen[k]; ok {
					return
				}
				if one, ok := names[step]; ok {
					step = one
				} else {
					names[step] = step
				}
				seen[k] = struct{}{}
				following = append(following, node{n, int32(len(trail))})
				trail = append(trail, from{at.id, step})
			})
		}
	}
	return len(trail), "holds", 0
}

func less(a, b *worker) bool {
	if a.pc != b.pc {
		return a.pc < b.pc
	}
	if a.base != b.base {
		return a.base < b.base
	}
	return a.att < b.att
}
