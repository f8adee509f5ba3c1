// SPDX-License-Identifier: MIT

// Says what Go's runtime makes of its own addresses: of stacks as runtime.Callers has them, and of every 3rd address of its text, as
// runtime.CallersFrames names it. test_go_callers.c compares.
//
//	S                          a stack begins
//	F PC FUNCTION FILE LINE (tabs between)    a frame of it; PC is what runtime.Callers gave
//	P PC FUNCTION FILE LINE    an address, exact
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
)

var out = bufio.NewWriter(os.Stdout)

func field(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func dump() {
	pcs := make([]uintptr, 200)
	pcs = pcs[:runtime.Callers(0, pcs)]
	fmt.Fprintln(out, "S")
	for _, pc := range pcs {
		frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
		fmt.Fprintf(out, "F %x\t%s\t%s\t%d\n", pc, field(frame.Function), field(frame.File), frame.Line)
	}
}

type number interface{ ~int | ~float64 }

func least[T number](a, b T, visit func()) T {
	visit()
	if a < b {
		return a
	}
	return b
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

//go:noinline
func (p *pair[K, V]) show() { dump() }

type shower interface{ show() }
type inner struct{ n int }

//go:noinline
func (i inner) show() { dump() }

type outer struct{ inner }
type pointer struct{ *inner }

func small(n int) int { return smaller(n) + 1 }
func smaller(n int) int {
	if n > 1 {
		dump()
	}
	return n * 2
}

func panics() {
	defer func() {
		recover()
		dump()
	}()
	defer dump()
	var s shower = (*outer)(nil)
	s.show()
}

type text string

func (t text) MarshalJSON() ([]byte, error) {
	dump()
	return []byte(`"x"`), nil
}

func eachOf(visit func(int) bool) {
	for i := 0; i < 2 && visit(i); i++ {
	}
}

func stacks() {
	dump()
	small(2)
	least(1, 2, dump)
	least(1.5, 2, func() { small(3) })
	(&pair[string, int]{"a", 1}).show()
	(&pair[int, error]{1, errors.New("x")}).show()
	for _, s := range []shower{inner{1}, outer{inner{2}}, &outer{inner{3}}, pointer{&inner{4}}, &pointer{&inner{5}}} {
		s.show()
		f := s.show
		f()
	}
	sort.Slice([]int{3, 1, 2}, func(i, j int) bool {
		if i == 0 {
			dump()
		}
		return i < j
	})
	json.Marshal(map[string]any{"a": text("b")})
	strings.Map(func(r rune) rune { small(int(r)); return r }, "a")
	eachOf(func(i int) bool { small(2 + i); return true })
	panics()
	done := make(chan bool)
	go func() { defer close(done); small(5) }()
	<-done
}

func sweep() {
	maps, _ := os.ReadFile("/proc/self/maps")
	exe, _ := os.Executable()
	for _, line := range strings.Split(string(maps), "\n") {
		var start, end uintptr
		if !strings.Contains(line, "r-xp") || !strings.HasSuffix(line, exe) {
			continue
		}
		fmt.Sscanf(line, "%x-%x", &start, &end)
		for pc := start; pc < end; pc += 3 {
			if runtime.FuncForPC(pc) == nil {
				continue
			}
			frame, _ := runtime.CallersFrames([]uintptr{pc + 1}).Next()
			if frame.PC == pc {
				fmt.Fprintf(out, "P %x\t%s\t%s\t%d\n", pc, field(frame.Function), field(frame.File), frame.Line)
			}
		}
	}
}

func main() {
	stacks()
	if len(os.Args) > 1 {
		sweep()
	}
	out.Flush()
}
